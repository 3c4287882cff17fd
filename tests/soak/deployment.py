"""What the soak torments: a PostgreSQL of its own, the API and some workers, each started again when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from app.processes import Child
from app.repository import connection as connection_module
from tests import clocks, live
from tests.postgres import TEMPLATE, TestServer, clone, database_at
from tests.warm import WarmChild

HEARTBEAT_SECONDS = 0.5
LEASE_SECONDS = 3.0
WORKERS = 3
API_PROCESSES = 2
LOOK_SECONDS = 0.1
CLOCKS = (0, 420, -660)
"""Seconds by which the clocks of the workers' hosts are off. A worker with such a clock takes longer to start."""
SETTINGS = {
    "EXECUTIONS_HEARTBEAT_SECONDS": HEARTBEAT_SECONDS,
    "EXECUTIONS_LEASE_SECONDS": LEASE_SECONDS,
    "EXECUTIONS_POLL_SECONDS": 0.5,
    "EXECUTIONS_CONCURRENCY": 10,
    "EXECUTIONS_WEBHOOK_SECONDS": 20,
    "EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1",
}


class Deployment:
    """Runs until `close`. A worker or an API that dies comes back a moment later, as under systemd."""

    def __init__(self, home: Path, *, workers: int = WORKERS, shifts: Sequence[int] = CLOCKS, **settings: Any) -> None:
        self.home = home
        self._shifts = shifts
        self._settings = SETTINGS | settings
        self.postgres = TestServer()
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            clone(connection, "soak", TEMPLATE)
        self.database_url = database_at(self.postgres.url("postgres"), "soak")
        self.port = live.free_port()
        self.deaths: Counter[str] = Counter()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._starts = 0
        self.api = live.start_server(
            self.database_url, home, EXECUTIONS_HTTP_WORKERS=API_PROCESSES, PORT=self.port, **self._settings
        )
        self.workers = [self._start_worker(index) for index in range(workers)]
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()

    def _start_worker(self, index: int) -> Child:
        environ = live.environment(self.database_url, self.home, PORT=self.port, **self._settings)
        self._starts += 1
        return WarmChild(
            f"worker {index}",
            [sys.executable, "-m", "app", "worker"],
            self.home / "log" / f"worker-{index}.log",
            environ=environ | clocks.shifted(self._shifts[index % len(self._shifts)]),
        )

    def _supervise(self) -> None:
        """Start again what has died. The API's master is never hurt, its processes are its own to replace."""
        while not self._closing.wait(LOOK_SECONDS):
            with self._lock:
                for index, child in enumerate(self.workers):
                    if not child.running and not self._closing.is_set():
                        self.deaths[f"exit {child.stop()}"] += 1
                        self.workers[index] = self._start_worker(index)

    def api_processes(self) -> list[int]:
        """The processes that answer, without their master."""
        return children_of(self.api.child.pid)

    @contextmanager
    def frozen_postgres(self) -> Iterator[None]:
        """All of PostgreSQL stands still: connections stay, and nothing is answered."""
        server = self.postgres.server_pid
        stopped = [server]
        signal_quietly(server, signal.SIGSTOP)
        try:
            for pid in children_of(server):
                stopped.append(pid)
                signal_quietly(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in reversed(stopped):
                signal_quietly(pid, signal.SIGCONT)

    def connect(self) -> connection_module.Connection:
        return connection_module.connect(self.database_url, autocommit=True)

    def until(self, holds: Callable[[connection_module.Connection], bool], seconds: float) -> bool:
        """Whether it came to hold in time; PostgreSQL may be away meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), self.connect() as connection:
                if holds(connection):
                    return True
            time.sleep(0.2)
        return False

    def logs(self) -> str:
        """All that workers and API wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.home / "log").iterdir()))

    def close(self) -> list[int]:
        """Stop everything; the exit codes of the workers."""
        self._closing.set()
        with self._lock:
            for child in self.workers:
                child.ask_to_stop()
        self._supervisor.join()
        codes = [child.stop() for child in self.workers]
        self.api.child.stop()
        self.postgres.stop()
        return codes


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in listed.split()]


def signal_quietly(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
