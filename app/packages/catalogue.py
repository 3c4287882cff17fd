"""Reads what an installed package offers, in a process of its own, which runs the package's code to ask it.

A file that cannot be loaded, ends the process or never comes to its end is named in the manifest, and hurts no other.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from app.engine.sandbox.errors import SandboxError
from app.engine.sandbox.process import NodeProcess
from app.engine.sandbox.scratch import remove
from app.packages.launch import STAND_IN, Places, launch
from app.packages.manifest import BOUNDS, InvalidManifest, Manifest

MEMORY_MB = 1024
FILE_SECONDS = 30.0
"""How long one file may take to load; time in which it waits for a processor does not count."""
MOST_TIMES = 10
"""So many times that it may take in all."""
LEAST_SECONDS = 0.01
MAX_BROKEN = 50
"""So many files may end or hold the process, and then the package as a whole is refused."""
_ANSWER, _RUN, _LOADING = 0, 0, 8


class UnreadablePackage(Exception):
    """A package cannot be read at all. The message says why."""


class _Answer(msgspec.Struct):
    manifest: msgspec.Raw = msgspec.Raw(b"")
    error: str | None = None


async def read_package(folder: Path, *, stand_in: Path = STAND_IN, seconds: float = FILE_SECONDS) -> Manifest:
    """What the package in `folder` offers, which holds its package.json; its code runs for that, confined.

    Raises UnreadablePackage.
    """
    folder = folder.resolve()
    broken: list[dict[str, str]] = []
    while len(broken) <= MAX_BROKEN:
        scratch = Path(tempfile.mkdtemp(prefix="executions-catalogue-"))
        try:
            # Dependencies may lie beside the package, in the same node_modules.
            root = next((each.parent for each in folder.parents if each.name == "node_modules"), folder)
            places = Places(root, scratch, stand_in)
            try:
                reader = await _Reader.start(places)
            except SandboxError as error:
                raise UnreadablePackage(str(error)) from error
            try:
                answer = await reader.read(folder, broken, seconds)
            finally:
                await reader.close()
        finally:
            await asyncio.to_thread(remove, scratch)
        if answer is not None:
            return _manifest_of(answer)
        if reader.loading is None:
            raise UnreadablePackage(f"The process that reads the package ended: {reader.reason}")
        broken.append({"file": reader.loading, "message": reader.reason})
    raise UnreadablePackage(f"More than {MAX_BROKEN} files of the package end or hold the process that loads them")


def _manifest_of(answer: bytes) -> Manifest:
    try:
        given = msgspec.json.decode(answer, type=_Answer)
        if given.error is not None:
            raise UnreadablePackage(given.error)
        return Manifest.from_json(bytes(given.manifest))
    except (msgspec.MsgspecError, InvalidManifest) as error:
        raise UnreadablePackage(str(error)) from error


class _Reader:
    """One process that reads one package."""

    def __init__(self, process: NodeProcess) -> None:
        self.loading: str | None = None
        """The file that was loaded last."""
        self.reason = ""
        self._process = process
        self._answer: bytes | None = None
        self._said = asyncio.Event()
        process.listener = self

    @classmethod
    async def start(cls, places: Places) -> _Reader:
        return cls(await NodeProcess.start(launch("catalogue", places, MEMORY_MB)))

    async def read(self, folder: Path, broken: list[dict[str, str]], seconds: float) -> bytes | None:
        """What the process answers; None where a file ended or held it: `loading`, for `reason`."""
        self._process.write(1, _RUN, msgspec.json.encode({"folder": str(folder), "broken": broken, "bounds": BOUNDS}))
        while self._answer is None and self._process.alive:
            if not await self._hears(seconds):
                self.reason = f"It did not load within {seconds:g} seconds"
                return None
            self._said.clear()
        if self._answer is None:
            words = self._process.last_words
            self.reason = self._process.broke or (
                words[-1] if words else f"It ended the process that loads it ({self._process.returncode})"
            )
        return self._answer

    async def _hears(self, seconds: float) -> bool:
        """Whether the process says something in that time, not counting that in which others had the processors."""
        loop, waited = asyncio.get_running_loop(), self._process.waited_seconds
        began, left = loop.time(), seconds
        while left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(left, LEAST_SECONDS)):
                    return await self._said.wait()
            passed = loop.time() - began
            left = min(seconds - passed + self._process.waited_seconds - waited, MOST_TIMES * seconds - passed)
        return False

    async def close(self) -> None:
        await self._process.close()

    def frame_received(self, request_id: int, kind: int, payload: bytes) -> None:
        if kind == _LOADING:
            self.loading = payload.decode(errors="replace")
        elif kind == _ANSWER:
            self._answer = payload
        self._said.set()

    def process_ended(self, process: NodeProcess) -> None:
        self._said.set()
