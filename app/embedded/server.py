"""Starts, finds again and stops a PostgreSQL whose data lies in a folder of ours.

Unless it is told otherwise it listens on a Unix socket in a closed folder and nowhere else, so there is no password
and no port. Its settings are PostgreSQL's own defaults: what was acknowledged is on disk.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.embedded.account import Account, choose_account, small_environment
from app.embedded.binaries import postgres_binaries
from app.processes import Child, ChildDied

DATABASE = "executions"
SUPERUSER = "postgres"
HOST = "127.0.0.1"
MAX_SOCKET_FOLDER = 80
"""A Unix socket's whole path is limited to about 100 bytes."""
SOCKETS = "exec-pg-"
ORPHANS = "pre-existing shared memory block"
"""What PostgreSQL says while processes of one that crashed are still there."""
ORPHANS_SECONDS = 10.0


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not be created, started or stopped."""


class EmbeddedPostgres:
    """One server over `home`/postgres, a child of this process.

    The caller makes sure that nobody else uses the same home.
    """

    def __init__(
        self,
        home: Path,
        *,
        name: str = "PostgreSQL",
        database: str = DATABASE,
        port: int | None = None,
        settings: Sequence[str] = (),
        access: str = "",
        launcher: Sequence[str] = (),
    ) -> None:
        """With a `port` it listens on HOST, too.

        `settings` are `NAME=VALUE`, `access` more lines of pg_hba.conf; `launcher` is a command that starts the one
        that follows it.
        """
        self._home = home
        self._name = name
        self._database = database
        self._port = port
        self._settings = [part for setting in settings for part in ("-c", setting)]
        self._more_access = access
        self._launcher = launcher
        self._data = home / "postgres"
        self._bin = postgres_binaries()
        home.mkdir(parents=True, exist_ok=True)
        self._account = choose_account(self._bin / "postgres", self._data)
        self._sockets: Path | None = None
        self.child: Child | None = None

    @property
    def is_new(self) -> bool:
        """True as long as no database was ever created in this home."""
        return not (self._data / "PG_VERSION").exists()

    def start(self, timeout: float = 60.0) -> str:
        """Create the data if there is none, start the server, and return the address of its database.

        A server that an earlier run left behind is stopped first. After a crash the server recovers before it
        answers, at most `timeout` seconds long.

        Raises EmbeddedPostgresError, and ChildDied when the server ends at once.
        """
        self.stop()  # one that died is a process until somebody asks how it ended, and holds its lock file till then
        if self.is_new:
            self._create()
        self._stop_leftover()
        self._sockets = self._socket_folder()
        command: list[str | Path] = [*self._account.prefix, *self._launcher, self._bin / "postgres", "-D", self._data]
        listens = ["listen_addresses="] if self._port is None else [f"listen_addresses={HOST}", f"port={self._port}"]
        command += [part for setting in listens for part in ("-c", setting)]
        command += ["-c", f"unix_socket_directories={self._sockets}"]
        command += ["-c", "unix_socket_permissions=0700", *self._access(), *self._settings]
        self._start_server(command, timeout)
        self._create_database()
        return self.url(self._database)

    def url(self, database: str) -> str:
        """The address of one of the server's databases while it runs."""
        port = "" if self._port is None else f"&port={self._port}"
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self._sockets), safe='')}{port}"

    def stop(self) -> None:
        """Disconnect everyone, write everything down, end the server."""
        if self.child is not None:
            self.child.stop()
            self.child = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    def _socket_folder(self) -> Path:
        """A new folder for the socket, noted down, so that one that a killed process left behind goes now."""
        note = self._home / "postgres.sockets"
        if note.exists():
            left = Path(note.read_text("utf-8").strip())
            if left.name.startswith(SOCKETS):
                shutil.rmtree(left, ignore_errors=True)
        parent = tempfile.gettempdir()
        folder = Path(tempfile.mkdtemp(prefix=SOCKETS, dir=parent if len(parent) < MAX_SOCKET_FOLDER else "/tmp"))
        note.write_text(f"{folder}\n")
        self._account.give_to(folder)
        return folder

    def _access(self) -> list[str]:
        """Let the user of this process in and nobody else: not the account that the server runs under, either.

        That may be one that other programs use as well. The files hold no secret, and are not in a folder of its.
        """
        user = pwd.getpwuid(os.geteuid()).pw_name
        lines = {
            "hba": f"local all all peer map=executions\n{self._more_access}",
            "ident": f'executions "{user}" {SUPERUSER}\n',
        }
        settings = []
        for name, text in lines.items():
            file = self._home / f"postgres.{name}"
            file.write_text(text)
            file.chmod(0o644)
            settings += ["-c", f"{name}_file={file}"]
        return settings

    def _create(self) -> None:
        # Built aside and then renamed, so that an interrupted initdb never looks like a database.
        unfinished = self._data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.give_to(unfinished)
        initdb = initdb_command(self._account, self._bin, unfinished)
        result = subprocess.run(initdb, capture_output=True, text=True, check=False, cwd="/", env=small_environment())
        if result.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise EmbeddedPostgresError(f"could not create the database:\n{result.stderr.strip()}")
        if self._data.exists():
            self._data.rmdir()
        unfinished.rename(self._data)

    def _stop_leftover(self) -> None:
        pid = _running_postmaster(self._data)
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 30
        while _running_postmaster(self._data) == pid:
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"process {pid}, a PostgreSQL over {self._data}, does not stop")
            time.sleep(0.05)

    def _start_server(self, command: list[str | Path], timeout: float) -> None:
        """Start it, and again as long as processes of one that crashed have not noticed that they are alone."""
        deadline = time.monotonic() + ORPHANS_SECONDS
        while True:
            log = self._home / "log" / "postgres.log"
            self.child = Child(self._name, command, log, environ=small_environment(), stop_signal=signal.SIGINT)
            try:
                self._await_ready(timeout)
                return
            except ChildDied as error:
                if ORPHANS not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _await_ready(self, timeout: float) -> None:
        assert self.child is not None
        deadline = time.monotonic() + timeout
        while True:
            self.child.check()
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    tail = self.child.log_tail()
                    raise EmbeddedPostgresError(f"PostgreSQL does not answer: {error}\n{tail}") from None
            time.sleep(0.05)

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._database]).fetchone()
            if row is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._database)))


def initdb_command(account: Account, binaries: Path, data: Path) -> list[str | Path]:
    """The command that creates a cluster: UTF-8, the same sort order on every machine, no password."""
    command: list[str | Path] = [*account.prefix, binaries / "initdb", "-D", data]
    command += ["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return command


def _running_postmaster(data: Path) -> int | None:
    """The process that serves `data`. Its command line tells: a process id may belong to something else by now."""
    try:
        pid = int((data / "postmaster.pid").read_text("utf-8").split(maxsplit=1)[0])
        arguments = Path(f"/proc/{pid}/cmdline").read_text("utf-8").split("\0")
        served = arguments[arguments.index("-D") + 1]
    except (OSError, ValueError, IndexError):
        return None
    return pid if Path(served).resolve() == data.resolve() else None
