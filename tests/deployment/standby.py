"""A streaming replica of a test's PostgreSQL, made as people make theirs: pg_basebackup and a standby that follows."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.embedded.account import choose_account
from app.embedded.binaries import postgres_binaries
from app.processes import dies_with_parent
from tests.patience import wait_until

SETTINGS = ["max_connections=300", "listen_addresses=", "fsync=off", "max_standby_streaming_delay=0"]


class Standby:
    """A replica, as far behind as the test wants it to be."""

    def __init__(self, primary_url: str) -> None:
        self._bin = postgres_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="standby-"))
        self._account = choose_account(self._bin / "postgres", self._folder / "data")
        self._account.give_to(self._folder)
        primary = conninfo_to_dict(primary_url)
        source = ["-h", primary["host"], "-U", "postgres", "-D", self._folder / "data"]
        backup = [self._bin / "pg_basebackup", *source, "-c", "fast", "-X", "stream", "-R", "--no-sync"]
        subprocess.run([*self._account.prefix, *backup], check=True, capture_output=True, cwd="/")
        self.start()

    def start(self) -> None:
        """Start it, or start it again where it was."""
        command = [self._bin / "postgres", "-D", self._folder / "data", "-k", self._folder, "-p", "5432"]
        for setting in SETTINGS:
            command += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*dies_with_parent(), *self._account.prefix, *command], stdout=log, stderr=log, cwd="/"
            )
        wait_until(self._answers, "the standby does not answer", pause=0.05)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder), safe='')}"

    def kill(self) -> None:
        """Let it crash."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def freeze(self, database: str) -> None:
        """Let those that serve a database say nothing any more, neither yes nor no."""
        self._frozen = [
            pid
            for (pid,) in self.ask(
                database,
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        ]
        for pid in [self._process.pid, *self._frozen]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in [*self._frozen, self._process.pid]:
            os.kill(pid, signal.SIGCONT)

    def pause(self) -> None:
        """Replay nothing of what comes."""
        self.ask("postgres", "SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("postgres", "SELECT pg_get_wal_replay_pause_state()") == [("paused",)])

    def resume(self) -> None:
        self.ask("postgres", "SELECT pg_wal_replay_resume()")

    def catch_up(self, primary_url: str) -> None:
        """Wait until it shows what the primary shows now."""
        with psycopg.connect(primary_url) as connection:
            [(reached,)] = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
        there = f"SELECT pg_last_wal_replay_lsn() >= '{reached}'"
        wait_until(lambda: self.ask("postgres", there) == [(True,)], "the standby does not catch up")

    def ask(self, database: str, query: str) -> list[tuple]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def stop(self) -> None:
        if self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder)
