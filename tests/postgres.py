"""The PostgreSQL that the tests run against: testing.postgresql over the binaries that the program embeds.

One server for a whole test run; what tests get is a database of their own, cloned from a migrated one.
Nothing of it survives, so it does not sync to disk, and is in memory where there is room: a database is some 350 files,
and to make and remove them takes ten times as long on a disk.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from testing.postgresql import Postgresql

from app.embedded.account import choose_account
from app.embedded.binaries import postgres_binaries
from app.embedded.server import initdb_command
from app.migrations import migrate
from app.processes import dies_with_parent
from tests.patience import PATIENCE_SECONDS

TEMPLATE = "template_executions"
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30
PREFIX = "executions-tests-"
NEW_CLUSTER = "PYTEST_POSTGRES_NEW_CLUSTER"
"""The environment variable by which the first server of a test run leaves to the others what it had when new."""
ZONE = "TEST_POSTGRES_ZONE"
"""The environment variable that names the time zone of the server; without it that of the machine."""


class TestServer(Postgresql):
    """testing.postgresql's server, on a Unix socket only and able to start as root."""

    __test__ = False
    DEFAULT_BOOT_TIMEOUT = DEFAULT_KILL_TIMEOUT = PATIENCE_SECONDS

    def initialize(self) -> None:
        if in_memory := memory_folder():
            Path(self.base_dir).rmdir()
            self.base_dir = in_memory
        self._bin = postgres_binaries()
        self._base = Path(self.base_dir)
        self._account = choose_account(self._bin / "postgres", self._base / "data")
        self._account.give_to(self._base)

    def initialize_database(self) -> None:
        for folder in self.subdirectories:
            self._account.give_to(self._base / folder)
        data, new = self._base / "data", os.environ.get(NEW_CLUSTER)
        if new and Path(new).is_dir():  # to make and migrate another takes twenty times as long as a copy
            copy(Path(new), data)
            return
        command = [*initdb_command(self._account, self._bin, data), "--no-sync"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, f"initdb: {done.stderr}"

    def get_server_commandline(self) -> list[str]:
        settings = ["max_connections=300", "listen_addresses=", "autovacuum=off", "max_wal_size=1GB"]
        if zone := os.environ.get(ZONE):
            settings.append(f"timezone={zone}")
        command = [
            *dies_with_parent(),
            *self._account.prefix,
            self._bin / "postgres",
            "-F",
            "-p",
            self.settings["port"],
        ]
        command += ["-D", self._base / "data", "-k", self._base / "tmp"]
        return [str(part) for part in command] + [part for setting in settings for part in ("-c", setting)]

    def prestart(self) -> None:
        self.settings["port"] = 5432

    def dsn(self, **kwargs: Any) -> dict[str, Any]:
        return {"user": "postgres", "unix_sock": str(self._base / "tmp" / ".s.PGSQL.5432"), **kwargs}

    def poststart(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                return
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate(self.url(TEMPLATE))
        self.terminate(signal.SIGINT)
        copy(self._base / "data", self._base / "new")
        os.environ[NEW_CLUSTER] = str(self._base / "new")
        self.start()

    def restart(self, *, immediate: bool = False, down_seconds: float = 0.0) -> None:
        """Cut everybody off, writing down what there is or (immediate) crashing, and come back at the same address."""
        self.terminate(signal.SIGQUIT if immediate else signal.SIGINT)
        time.sleep(down_seconds)
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._base / 'tmp'), safe='')}"


def memory_folder() -> str | None:
    """A new folder in memory, or None where the system gives little or none; those of runs that were killed go."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM or not os.access(MEMORY, os.W_OK):
        return None
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{left.name.removeprefix(PREFIX).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY)


def copy(folder: Path, new: Path) -> None:
    """Copy a folder with its owners and modes to one that is not there or empty."""
    subprocess.run(["cp", "-a", "-T", folder, new], check=True)


@contextmanager
def cloned_database(server_url: str, template: str = TEMPLATE) -> Iterator[str]:
    """The address of a new copy of a database, dropped at the end with everything still connected to it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        clone(connection, name, template)
    try:
        yield database_at(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def shared_database(server_url: str, name: str, fill: Callable[[str], None]) -> str:
    """The address of a database that the processes of a test run share; the first that asks for it fills it.

    It lives as long as the server. Whoever uses it rolls its changes back.
    """
    address = database_at(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])  # until this connection closes
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            clone(connection, name, TEMPLATE)
            fill(address)
    return address


def clone(connection: psycopg.Connection[Any], name: str, template: str) -> None:
    """Copy a database file by file: block by block takes three times the processor time, and nothing is synced here."""
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def database_at(server_url: str, name: str) -> str:
    """The address of another database of the same server."""
    return server_url.replace("@/postgres?", f"@/{name}?")
