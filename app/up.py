"""Everything on one machine, as children of one process that starts them in order and stops them in order.

Knows the other parts by their commands and addresses only.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from app.console_links import new_link
from app.demo import ApiClient, import_demo, tour
from app.embedded import EmbeddedPostgres
from app.http.ports import find_obstacle
from app.key_text import new_key
from app.loopback import open_url
from app.migrations import migrate
from app.places import BESIDE, gunicorn
from app.processes import Child
from app.repository.api_keys import ensure_api_key
from app.repository.connection import connect
from app.repository.console_sessions import LINK_MINUTES
from app.repository.users import owner_id
from app.settings import DATABASE_URL_FILE, Settings, host_and_port
from app.settings.vector_stores import VECTOR_STORES

if TYPE_CHECKING:
    from app.embedded import VectorServer

Say = Callable[[str], None]

START_SECONDS = 600.0
"""How long PostgreSQL, and then the API, may take until it answers, unless it ends: the machine may be busy."""
WAITING_SECONDS = 10.0
"""How often it is said that the API does not answer yet."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
API_KEY_FILE = "api-key"
LOCK_FILE = "lock"
NAMED_MIGRATIONS = 5
"""Of more than these, as of a new database, only the last one is named."""


class CannotStart(Exception):
    """Something outside stands in the way, and the message says what to do about it."""


class _Stopped(BaseException):
    """A signal asked this process to stop."""


def up(environ: Mapping[str, str], say: Say, command: str = "make run") -> None:
    """Start everything and return once a signal has stopped it again. `command` is how it was called.

    Raises CannotStart, ChildDied when a part ends by itself, and what settings, embedded PostgreSQL and
    migrations raise.
    """
    settings = Settings.from_environment(environ, needs_database=False)
    with contextlib.ExitStack() as running:
        running.callback(_restore_signals, _raise_on_signals())
        try:
            running.enter_context(_only_one(settings.home, _address(settings), command))
            _refuse_taken_port(settings, command)
            _refuse_stores_beside_another_database(settings)
            children: list[Child] = []
            url = settings.database_url or _start_database(settings, running, children, say)
            settings = Settings.from_environment({**environ, "DATABASE_URL": url})
            _say_applied(migrate(settings.direct_url), say)
            stores = _start_vector_stores(settings, running, say)
            key = _api_key(settings)
            children += running.enter_context(_processes(settings, environ, say))
            address = _address(settings)
            _await_ready(f"{address}/healthz/readiness", children, say)
            commands = _look_around(ApiClient(f"{address}/api/v1", key), say)
            say(_welcome(settings, address, key, _console_link(settings, address, key), commands))
            _watch(children, stores)
        except _Stopped:
            say("\nStopping")
        finally:
            # One more Ctrl-C must not leave half of it running.
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)


def _say_applied(names: Sequence[str], say: Say) -> None:
    if len(names) > NAMED_MIGRATIONS:
        say(f"Applied {len(names)} migrations, up to {names[-1]}")
        return
    for name in names:
        say(f"Applied {name}")


def _start_database(settings: Settings, running: contextlib.ExitStack, children: list[Child], say: Say) -> str:
    server = EmbeddedPostgres(settings.home)
    say(f"{'Creating' if server.is_new else 'Starting'} PostgreSQL in {settings.home / 'postgres'}")
    running.callback(server.stop)
    url = server.start(START_SECONDS)
    assert server.child is not None
    children.append(server.child)
    file = settings.home / DATABASE_URL_FILE
    running.callback(file.unlink, missing_ok=True)
    _write_private(file, url)
    return url


def _refuse_stores_beside_another_database(settings: Settings) -> None:
    if settings.vector_stores.projects and settings.database_url:
        raise CannotStart(
            f"{VECTOR_STORES} is for the embedded PostgreSQL alone: beside DATABASE_URL, use a database with pgvector "
            "of your own, and name its host in EXECUTIONS_ALLOWED_HOSTS where it is a private address"
        )


def _start_vector_stores(settings: Settings, running: contextlib.ExitStack, say: Say) -> "VectorServer | None":
    if not settings.vector_stores.projects:
        return None
    from app.vector_stores import start_vector_stores  # its ciphers are for nobody who has no stores

    return start_vector_stores(settings, running, say)


@contextlib.contextmanager
def _processes(settings: Settings, environ: Mapping[str, str], say: Say) -> Iterator[list[Child]]:
    say("Starting the API and a worker")
    log = settings.home / "log"
    child_environ = {
        **environ,
        "DATABASE_URL": settings.database_url,
        "EXECUTIONS_HOME": str(settings.home),
        "PYTHONUNBUFFERED": "1",
    }
    # -P: nothing of the folder that it happens to be started in is taken for a module.
    worker = [sys.executable, "-P", "-m", "app", "worker"]
    parts = [("API", gunicorn(), BESIDE), ("worker", worker, None)]
    children: list[Child] = []
    try:
        for name, command, folder in parts:
            path = log / f"{name.lower()}.log"
            children.append(Child(name, command, path, environ=child_environ, folder=folder))
        yield children
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()


def _await_ready(url: str, children: list[Child], say: Say) -> None:
    began = time.monotonic()
    next_word = began + WAITING_SECONDS
    while True:
        for child in children:
            child.check()
        try:
            open_url(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError) as error:
            now = time.monotonic()
            if now > began + START_SECONDS:
                raise CannotStart(f"{url} does not answer: {error}\n{children[-2].log_tail()}") from None
            if now > next_word:
                next_word = now + WAITING_SECONDS
                say(f"Still waiting for the API, {now - began:.0f} seconds after its start: {url}: {error}")
        time.sleep(0.1)


def _look_around(client: ApiClient, say: Say) -> list[tuple[str, str]]:
    try:
        import_demo(client, say)
        return tour(client)
    except urllib.error.HTTPError as error:
        raise CannotStart(f"{error.url} answered {error.code}: {error.read(1_000).decode()}") from None
    except OSError as error:
        raise CannotStart(f"the API does not answer: {error}") from None


def _watch(children: list[Child], stores: "VectorServer | None") -> NoReturn:
    while True:
        for child in children:
            child.check()
        if stores is not None:
            stores.child.check()
            stores.look()
        time.sleep(0.5)


def _api_key(settings: Settings) -> str:
    file = settings.home / API_KEY_FILE
    key = settings.api_key or (file.read_text("utf-8").strip() if file.exists() else "")
    if not key:
        with connect(settings.direct_url) as connection:
            key = new_key(owner_id(connection))
        _write_private(file, key)
    with connect(settings.direct_url) as connection:
        ensure_api_key(connection, key, label="make run", scopes=["*"])
    return key


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text + "\n")
    unfinished.replace(file)


def _refuse_taken_port(settings: Settings, command: str) -> None:
    if (obstacle := find_obstacle(settings.host, settings.port)) is not None:
        raise CannotStart(f"{obstacle} {command}")


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)
    return f"http://{host_and_port(host, settings.port)}"


@contextlib.contextmanager
def _only_one(home: Path, own_address: str, command: str) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK_FILE).open("a+") as lock:
        try:
            # Held as long as this process lives, so a server found under it is one that a killed process left.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid, _, address = lock.read().strip().partition(" ")
            raise CannotStart(
                f"process {pid} already runs everything in {home}, at {address or 'another address'}. "
                f"Stop it with Ctrl-C in its terminal or with: kill {pid}. "
                f"To run a second one beside it: EXECUTIONS_HOME=another-folder PORT=8001 {command}"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()} {own_address}")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def running_address(home: Path) -> str | None:
    """Where what was started in this folder answers; None where none runs."""
    try:
        pid, _, address = (home / LOCK_FILE).read_text("utf-8").strip().partition(" ")
        os.kill(int(pid), 0)
    except (OSError, ValueError, OverflowError):
        return None
    return address or None


def _raise_on_signals() -> dict[signal.Signals, object]:
    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise _Stopped

    return {name: signal.signal(name, stop) for name in STOP_SIGNALS}


def _restore_signals(handlers: dict[signal.Signals, object]) -> None:
    for name, handler in handlers.items():
        signal.signal(name, handler)  # type: ignore[arg-type]


def _console_link(settings: Settings, address: str, key: str) -> str:
    with connect(settings.direct_url) as connection:
        return new_link(connection, address, key)


def _welcome(settings: Settings, address: str, key: str, link: str, commands: list[tuple[str, str]]) -> str:
    lines = [
        "",
        "The Executions API is ready.",
        "",
        f"  API   {address}/api/v1",
        f"  Key   {key}",
        f"  Docs  {address}/api/v1/docs",
        f"  Logs  {settings.home / 'log'}",
        "",
        "Try it from another terminal:",
    ]
    for text, command in commands:
        lines += ["", f"  # {text}", f"  {command}"]
    lines += ["", f"Look at it in a browser (the link signs in once, within {LINK_MINUTES} minutes):", "", f"  {link}"]
    return "\n".join([*lines, "", "Ctrl-C stops everything; the data stays for the next time."])
