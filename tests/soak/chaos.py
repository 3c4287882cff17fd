"""What goes wrong in the soak: one fault after another, chosen by the seed, each over before the next begins.

To be run by the main thread: a child process that is to die with its parent dies with the thread that started it.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg

from tests.soak.deployment import LEASE_SECONDS, Deployment, signal_quietly
from tests.soak.full_disk import FullDisk

PAUSE_SECONDS = (0.2, 1.5)  # between two faults
LEAVE_SECONDS = 10.0  # README: a worker that is told to stop is gone within ten seconds

CUT_OFF = """
    SELECT pg_terminate_backend(a.pid)
      FROM (SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
             ORDER BY md5(pid::text || %s) LIMIT %s) AS a
"""


class Chaos:
    """Hurts a deployment; `done` counts the faults, of which the `first` are given."""

    def __init__(
        self, deployment: Deployment, disk: FullDisk, chance: random.Random, first: Sequence[str] = ()
    ) -> None:
        self._deployment = deployment
        self._disk = disk
        self._chance = chance
        self._first = first
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self.faults: dict[str, Callable[[], None]] = {
            "worker killed": self.kill_worker,
            "worker paused past its lease": self.pause_worker,
            "worker paused for a moment": self.pause_worker_briefly,
            "worker told to go": self.send_worker_away,
            "API process killed": self.kill_api_process,
            "API process paused": self.pause_api_process,
            "connections cut": self.cut_connections,
            "PostgreSQL restarted (fast)": self.restart_fast,
            "PostgreSQL restarted (immediate)": self.restart_immediate,
            "worker told to go while PostgreSQL is away": self.send_worker_away_without_postgres,
            "worker told to go while PostgreSQL is silent": self.send_worker_away_from_silence,
            "PostgreSQL silent for a while": self.freeze_postgres,
        }
        if disk.possible:
            self.faults["disk full"] = self.fill_disk

    def run(self, seconds: float) -> None:
        """One fault after another for so long, those that are given in any case; returns when the last one is over."""
        deadline = time.monotonic() + seconds
        left = [name for name in reversed(self._first) if name in self.faults]
        given = len(left)
        while sum(self.done.values()) < given or time.monotonic() < deadline:
            time.sleep(self._chance.uniform(*PAUSE_SECONDS))
            if not left:
                left = sorted(self.faults)
                self._chance.shuffle(left)
            name = left.pop()
            try:
                self.faults[name]()
                self.done[name] += 1
            except (psycopg.OperationalError, OSError):
                self.done[f"{name}: missed"] += 1
            except Exception as error:
                self.problems.append(f"{name}: {error!r}")

    def _worker(self) -> int:
        return self._chance.choice(self._deployment.workers).pid

    def kill_worker(self) -> None:
        signal_quietly(self._worker(), signal.SIGKILL)

    def _pause(self, pid: int, seconds: float) -> None:
        signal_quietly(pid, signal.SIGSTOP)
        time.sleep(seconds)
        signal_quietly(pid, signal.SIGCONT)

    def pause_worker(self) -> None:
        self._pause(self._worker(), LEASE_SECONDS + self._chance.uniform(0.2, 2.0))

    def pause_worker_briefly(self) -> None:
        self._pause(self._worker(), self._chance.uniform(0.1, LEASE_SECONDS / 2))

    def send_worker_away(self) -> None:
        """SIGTERM: what runs is recorded or handed over, in time."""
        pid = self._worker()
        began = time.monotonic()
        signal_quietly(pid, signal.SIGTERM)
        while alive(pid):
            if time.monotonic() - began > LEAVE_SECONDS:
                self.problems.append(f"worker {pid} was told to go and is still there after {LEAVE_SECONDS} s")
                return
            time.sleep(0.05)

    def send_worker_away_without_postgres(self) -> None:
        """The same at a moment when nothing can be recorded."""
        self._deployment.postgres.terminate(signal.SIGINT)
        try:
            self.send_worker_away()
        finally:
            self._deployment.postgres.start()

    def send_worker_away_from_silence(self) -> None:
        """The same when PostgreSQL takes what is sent and answers nothing."""
        with self._deployment.frozen_postgres():
            self.send_worker_away()

    def freeze_postgres(self) -> None:
        with self._deployment.frozen_postgres():
            time.sleep(self._chance.uniform(0.2, LEASE_SECONDS + 1.0))

    def kill_api_process(self) -> None:
        if processes := self._deployment.api_processes():
            signal_quietly(self._chance.choice(processes), signal.SIGKILL)

    def pause_api_process(self) -> None:
        if processes := self._deployment.api_processes():
            self._pause(self._chance.choice(processes), self._chance.uniform(0.3, 3.0))

    def cut_connections(self) -> None:
        with self._deployment.connect() as connection:
            connection.execute(CUT_OFF, [str(self._chance.random()), self._chance.randint(1, 6)])

    def restart_fast(self) -> None:
        self._deployment.postgres.restart(down_seconds=self._chance.uniform(0.1, 2.0))

    def restart_immediate(self) -> None:
        self._deployment.postgres.restart(immediate=True, down_seconds=self._chance.uniform(0.1, 2.0))

    def fill_disk(self) -> None:
        """Run data cannot be written for a while."""
        self._disk.fill()
        try:
            time.sleep(self._chance.uniform(1.0, 3.0))
        finally:
            self._disk.free()


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not yet waited for does not."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not os.path.isdir("/proc/self")
    return False
