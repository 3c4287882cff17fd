"""The processes of packages themselves: from when there is one, until when, and what of it is left."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.engine.run.children import child_ports
from app.engine.run.ports import Ports
from app.engine.sandbox import process as process_module
from app.packages import launch as launch_module
from app.packages.host import Host
from app.packages.host_errors import HostError
from tests.packages.hosting import QUICK, call_of, with_host


def test_nothing_starts_before_it_is_needed_and_nothing_is_left():
    async def work(host: Host) -> Any:
        before = host.pids
        await host.call({"kind": "ping"})
        return before, host.pids

    before, after = with_host(work)
    assert (before, len(after)) == ([], 1)
    assert not Path(f"/proc/{after[0]}").exists()


def test_executions_share_no_process_where_they_are_not_to():
    """Their sub-workflows are parts of them: these would wait for a process while those above hold all of them."""
    code = "const before = globalThis.kept; globalThis.kept = 1; return [[{ json: { before: before ?? null } }]]"

    async def work(host: Host) -> list[Any]:
        seen = []
        for execution in ("1", "1", "2"):
            answer = await host.call(call_of(code), project="p", execution=execution)
            seen.append(answer["outputs"][0][0]["json"]["before"])
        return seen

    assert with_host(work, processes=1, shared=False) == [None, 1, None]
    ports = Ports()
    assert child_ports(ports).root == ports.root != Ports().root


def test_a_process_that_is_full_is_replaced_while_its_calls_go_on():
    """A call that holds a connection may go on for days; what it left of memory must not keep others waiting."""
    fills = "globalThis.kept = new Array(6.5e6).fill(1.5); await new Promise((done) => { globalThis.end = done })"

    async def work(host: Host) -> Any:
        held = asyncio.ensure_future(host.call(call_of(fills)))
        for _ in range(200):
            quick = await host.call(call_of(QUICK))
            if len(host.pids) > 1:
                break
        went_on = len(host.pids) > 1 and not held.done()
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        return quick["outputs"], went_on

    assert with_host(work, processes=1, memory_mb=64) == ([[{"json": {"quick": True}}]], True)


def test_the_files_of_a_process_go_with_it():
    async def work(host: Host) -> Any:
        writes = """require('fs').writeFileSync(`${require('os').tmpdir()}/left`, '');
          return [[{ json: { at: require('os').tmpdir() } }]]"""
        [[item]] = (await host.call(call_of(writes)))["outputs"]
        folder = Path(item["json"]["at"])
        before = folder.exists()
        os.kill(host.pids[0], signal.SIGKILL)
        await until(lambda: not folder.exists())
        return before

    assert with_host(work)


WRITES = {
    "in large files": "write(`${tmpdir()}/${n}`, large)",
    "in many files": "write(`${tmpdir()}/${n}`, '')",
    "in files that are removed while they are open": """kept.push(open(`${tmpdir()}/${n}`, 'w'));
        write(kept.at(-1), large); unlinkSync(`${tmpdir()}/${n}`)""",
    "in folders that lie in each other": "mkdirSync(folder += '/a')",
}


@pytest.mark.parametrize("way", WRITES)
def test_a_process_keeps_only_so_much_in_files(monkeypatch, way):
    """It is ended, and what it has written goes: a node cannot fill the disk of its machine."""
    monkeypatch.setattr(launch_module, "MAX_SCRATCH_BYTES", 4 * 2**20)
    monkeypatch.setattr(launch_module, "MAX_SCRATCH_FILES", 50)
    monkeypatch.setattr(process_module, "LOOK_SECONDS", 0.02)
    code = f"""const {{ mkdirSync, openSync: open, unlinkSync, writeFileSync: write }} = require('fs');
      const {{ tmpdir }} = require('os'); const kept = []; const large = Buffer.alloc(1e6); let folder = tmpdir();
      for (let n = 0; n < 200; n += 1) {{ {WRITES[way]}; await new Promise((done) => setTimeout(done, 2)) }}
      await new Promise(() => kept)"""

    async def work(host: Host) -> Any:
        await host.call({"kind": "ping"})
        [pid] = host.pids
        folder = Path(psutil.Process(pid).cmdline()[-3])
        with pytest.raises(HostError, match="More than 4 MiB, or 50 files, of temporary files were kept"):
            await host.call(call_of(code))
        await until(lambda: not folder.exists())
        return host.ended

    assert with_host(work) == 1


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def test_a_process_that_has_loaded_much_makes_place_for_another(tmp_path):
    source = "exports.NAME = class { execute() { return [[]] } } //"
    for name, size in (("Small", 0), ("Large", 6 * 2**20)):
        (tmp_path / f"{name}.node.js").write_text(source.replace("NAME", name) + "x" * size)

    async def pids() -> list[list[int]]:
        async with Host(tmp_path, memory_mb=96) as host:
            found = []
            for name in ("Small", "Small", "Large", "Small"):
                where = {"folder": str(tmp_path), "file": f"{name}.node.js", "className": name, "version": 1}
                await host.call({"kind": "load", "package": where})
                await host.call({"kind": "ping"})
                found.append(host.pids)
            return found

    first, same, _, at_last = asyncio.run(pids())
    assert first == same
    assert first[0] not in at_last
