"""The walls around the sandbox's processes: no rights, an empty environment, and a filter of the system's calls."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.engine.sandbox import Sandbox, walls
from app.engine.sandbox import process as process_module
from tests.engine.sandbox.test_sandbox_processes import SCOPE, result, with_sandbox


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_process_has_no_rights_and_an_empty_environment():
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        processes = [Path(f"/proc/{pid}") for pid in sandbox.pids]
        return [
            ((each / "environ").read_text(), (each / "cmdline").read_text().split("\0"), os.getsid(int(each.name)))
            for each in processes
        ], [status_of(pid) for pid in sandbox.pids]

    processes, statuses = with_sandbox(work)
    for environment, command, session in processes:
        assert environment == ""
        assert "--permission" in command
        assert not [each for each in command if each.startswith("--allow-")]
        assert len(" ".join(command)) < 600, "whoever lists processes reads it"
        assert session != os.getsid(0)
    for status in statuses:
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert "0" not in status["Uid"].split()
        assert int(status["CapPrm"], 16) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is let into any folder")
def test_a_program_in_a_folder_that_only_root_may_enter_is_started(tmp_path, monkeypatch):
    locked = tmp_path / "a home of root"
    locked.mkdir(mode=0o700)
    node = locked / "node"
    os.link(process_module.NODE, node) if os.stat(process_module.NODE).st_dev == os.stat(locked).st_dev else (
        shutil.copy(process_module.NODE, node)
    )
    monkeypatch.setattr(process_module, "NODE", node)
    assert with_sandbox(lambda s: result(s.evaluate(["={{ $json.n }}"], SCOPE)), spares=0) == [[7]]


ATTEMPTS = """
const attempts = {
  connect: (done) => require('net').connect(9, '127.0.0.1').on('error', (error) => done(error.code)),
  listen: (done) => require('net').createServer().on('error', (error) => done(error.code)).listen(0),
  send: (done) => require('dgram').createSocket('udp4').on('error', (error) => done(error.code)).send('', 9, '127.1'),
  child: (done) => require('child_process').execFile('/bin/true', (error) => done(error && error.code)),
  signal: (done) => { try { process.kill(process.ppid, 0); done('sent') } catch (error) { done(error.code) } },
  write: (done) => require('fs').writeFile('/dev/shm/sandbox-test', 'x', (error) => done(error && error.code)),
};
const found = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try { attempt((code) => { found[name] ??= code ?? 'open' }) } catch (error) { found[name] ??= error.code ?? 'open' }
}
setTimeout(() => { console.log(JSON.stringify(found)); process.exit() }, 700);
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is one of Linux")
def test_the_walls_of_the_system_hold_when_those_of_node_are_gone():
    """What would stand if a program had broken V8 and the permission model: Node here runs without them."""
    command = walls.behind_walls([str(process_module.NODE), "-e", ATTEMPTS], walls.Limits(256))
    given = subprocess.run(command, env={}, capture_output=True, text=True, check=False, cwd="/")
    found = json.loads(given.stdout)
    assert set(found) == {"connect", "listen", "send", "child", "signal", "write"}
    assert not {"open", "sent"} & set(found.values()), found
    assert found["connect"] == "EPERM"


IN_A_COPY = """
import asyncio, os, threading
from app.engine.sandbox import Sandbox
os.register_at_fork(after_in_child=threading.Event().wait)

async def main():
    async with Sandbox(spares=0) as sandbox:
        print(await sandbox.run_code("return [{json: {n: 7}}]", {"items": []}))

asyncio.run(main())
"""


def test_a_process_starts_without_a_copy_of_this_one_that_could_wait_for_ever():
    """A copy of a process with threads may wait for a lock that nobody holds there; here each copy does, for sure."""
    given = subprocess.run([sys.executable, "-c", IN_A_COPY], capture_output=True, text=True, check=False, timeout=60)
    assert "7" in given.stdout, given.stderr
