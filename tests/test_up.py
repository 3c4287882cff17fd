"""make run: one command brings everything up, prints lines that work, and takes everything down again."""

import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

import psycopg
import pytest

from app import up as up_module
from app.processes import ChildDied
from tests.live import PROJECT, environment, free_port
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.process_state import is_running
from tests.warm import Warm

pytestmark = pytest.mark.slow

LAST_LINE = "Ctrl-C stops everything"


@dataclass
class Running:
    """A running `flask up` and what it has printed."""

    process: subprocess.Popen[bytes] | Warm
    output: TextIO
    printed: str

    @property
    def commands(self) -> list[str]:
        return re.findall(r"^  (curl .*)$", self.printed, re.MULTILINE)

    @property
    def key(self) -> str:
        return re.search(r"^  Key +(\S+)$", self.printed, re.MULTILINE)[1]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def up(home: Path) -> Iterator[Callable[..., Running]]:
    """Runs `flask up` in the test's home until it is ready or has ended; only what it starts is cold when `warm`."""
    with ExitStack() as stack:

        def start(*, warm: bool = True, **settings: object) -> Running:
            environ = environment("", home, **({"PORT": free_port()} | settings))
            command = [sys.executable, "-m", "flask", "up"]
            reading, writing = os.pipe()
            output = stack.enter_context(open(reading))
            with open(writing) as told:
                if warm:
                    process = Warm(command, told, told, environ, PROJECT)
                else:
                    process = subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=told, stderr=told)
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGTERM)
            lines = []
            for line in output:
                lines.append(line)
                if line.startswith(LAST_LINE):
                    break
            return Running(process, output, "".join(lines))

        yield start


def descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return []
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def await_end(pids: list[int]) -> None:
    """Until none of these processes is left."""
    wait_until(lambda: not any(map(is_running, pids)), lambda: [pid for pid in pids if is_running(pid)])


def run_line(line: str) -> dict:
    ran = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
    return json.loads(ran.stdout)


def test_a_home_is_used_stopped_used_again_killed_and_used_again(up, home):
    """One home through all of it: to make another takes as long as all the rest."""
    first = up(warm=False)
    [applied] = re.findall(r"^Applied .*", first.printed, re.MULTILINE)
    assert re.fullmatch(r"Applied \d\d+ migrations, up to \d{4}\.\w+", applied)
    ran = try_the_demo(first)
    for name in ("api-key", "database-url"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    beside = up()
    assert beside.process.wait(PATIENCE_SECONDS) == 1
    assert f"process {first.process.pid} already runs everything in {home}" in beside.printed
    processes = descendants(first.process.pid)
    assert len(processes) >= 5
    assert first.stop() == 0
    await_end(processes)
    assert not (home / "database-url").exists()
    assert not (home / "lock").read_text()

    second = up()
    assert second.key == first.key
    assert "demo" not in second.printed
    assert ran < {row["id"] for row in run_line(second.commands[0])["data"]}
    processes = descendants(second.process.pid)
    second.stop(signal.SIGKILL)

    third = up()
    assert len(third.commands) == 3
    assert third.stop(signal.SIGTERM) == 0
    # A worker that lost its database as well takes a while to give it up.
    await_end(processes)


def try_the_demo(running: Running) -> set[str]:
    """Run the lines that are printed, the last once a retry succeeds; returns the ids of the demo's executions."""
    listing, reading, retrying = running.commands
    ran = run_line(listing)["data"]
    assert sorted(execution["status"] for execution in ran) == ["error", "success"]
    assert "Big order?" in run_line(reading)["data"]["resultData"]["runData"]
    failed = next(execution["id"] for execution in ran if execution["status"] == "error")
    time.sleep(5)
    retry = run_line(retrying)
    assert (retry["mode"], retry["retryOf"]) == ("retry", failed)
    wait_until(lambda: run_line(f"{listing}/{failed}")["retrySuccessId"] == retry["id"], pause=0.2)
    return {execution["id"] for execution in ran}


def test_a_taken_port_is_named_before_anything_starts(up, home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = up(PORT=port)
        assert running.process.wait(10) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in running.printed
    assert "PORT=" in running.printed
    assert not (home / "postgres").exists()


def test_a_named_database_and_key_are_used_and_a_part_that_dies_is_reported_with_its_log(up, home, database_url):
    running = up(DATABASE_URL=database_url, EXECUTIONS_API_KEY="chosen by hand, long enough")
    assert "X-N8N-API-KEY: chosen by hand" in running.commands[0]
    assert len(run_line(running.commands[0])["data"]) == 2
    assert not (home / "postgres").exists()
    assert not (home / "api-key").exists()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM workflows").fetchone() == (2,)

    processes = descendants(running.process.pid)
    worker = next(pid for pid in processes if "worker" in command(pid))
    os.kill(worker, signal.SIGKILL)
    rest = running.output.read()
    assert running.process.wait(PATIENCE_SECONDS) == 1
    assert "worker was killed by SIGKILL" in rest
    assert "worker.log" in rest
    await_end(processes)


@pytest.mark.parametrize("seconds", [45, 580, 620])
def test_an_api_that_takes_long_is_waited_for_and_it_is_said(seconds, monkeypatch):
    """By a clock that only goes on while it sleeps."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    clock.sleep = lambda took: setattr(clock, "now", clock.now + 10 * took)
    monkeypatch.setattr(up_module, "time", clock)
    api, said = SimpleNamespace(check=lambda: None, log_tail=lambda: "Booting worker"), []

    def answer(url, timeout):
        if clock.now < seconds:
            raise urllib.error.URLError("refused")
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(up_module, "open_url", answer)
    if seconds > up_module.START_SECONDS:
        with pytest.raises(up_module.CannotStart, match=r"refused.*\n.*Booting worker"):
            up_module._await_ready("http://api/", [api, api], said.append)
    else:
        up_module._await_ready("http://api/", [api, api], said.append)
    assert len(said) >= min(seconds, up_module.START_SECONDS) // 12
    assert all("waiting for the API" in line and "refused" in line for line in said)

    def die():
        raise ChildDied("API ended")

    clock.now, api.check = 0.0, die
    with pytest.raises(ChildDied):
        up_module._await_ready("http://api/", [api, api], said.append)
