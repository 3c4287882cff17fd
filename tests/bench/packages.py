"""What it costs that a node is a package's: a call of the host, items through it, and its memory.

`make bench` prints it with the rest; `python -m tests.bench.packages` alone. Where PACKAGES names a folder with
`node_modules/n8n-nodes-base`, the memory of a host that has loaded it all is measured, too.

Calls are measured by the processor's time that this process and the host spend on them, those that are compared in
turns, so that what else the machine does decides nothing. Of memory "own" is what no other process shares, and
"resident" all that is in memory, with the pages of the Node program, which all Node processes of a machine share.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from app.engine import nodes
from app.engine.run.node_types import NodeTypes
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from app.packages.catalogue import read_package
from app.packages.host import Host
from app.packages.types import Installed, Packages
from tests.bench.engine import FIVE, edit, items
from tests.bench.report import Report
from tests.packages.running import SAMPLE
from tests.workflows import node, stored

PASSED_ON = "return [this.getInputData()]"
NOTHING = node("Nothing", "n8n-nodes-sample.script", {"code": PASSED_ON})
FIELDS = [{"name": name, "value": value} for name, value in FIVE]
EDIT = node("Edit", "n8n-nodes-sample.edit", {"fields": {"field": FIELDS}})
BASE = "n8n-nodes-base"
TURNS = 9
REST_SECONDS = 15
"""After so long Node has given back what loading has left behind."""
Work = Callable[[], Awaitable[Any]]
Memory = tuple[float, float]


def action_of(package: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "execute", "package": package, "parameters": {"mark": "seen"}, "node": {}, "items": [[]]}


async def measure() -> tuple[dict[str, float], dict[str, Memory]]:
    """Milliseconds of processor time, and MiB."""
    manifest = await read_package(SAMPLE)
    echo = {"folder": str(SAMPLE), "file": "nodes/Echo.node.js", "className": "Echo", "version": 1}
    async with Sandbox() as sandbox, Host(SAMPLE) as host:
        types = nodes.load().copy()
        types.further = Packages(host, [Installed(SAMPLE, manifest)]).node_types(NodeTypes())
        await host.call(action_of(echo))
        calls = {
            "an empty round trip": lambda: host.call({"kind": "ping"}),
            "an action that does nothing": lambda: host.call(action_of(echo)),
        }
        items_through = {
            "1,000 items through Edit Fields": workflow(edit(FIVE), sandbox, types),
            "1,000 items through the same of a package": workflow(EDIT, sandbox, types),
            "1,000 items through one that does nothing": workflow(NOTHING, sandbox, types),
        }
        figures = await by_turns(calls, 100, host, sandbox) | await by_turns(items_through, 4, host, sandbox)
        [small] = memory_of(host)
        memory = {"a host with a small package": small}
    if (folder := os.environ.get("PACKAGES")) is not None:
        memory |= await with_base(Path(folder))
    return figures, memory


async def by_turns(works: dict[str, Work], times: int, *helpers: Host | Sandbox) -> dict[str, float]:
    """What each work takes of the processor, the middle of some turns; each turn does all of them so many times."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(TURNS + 1):
        for name, work in works.items():
            before = processor_seconds(*helpers)
            for _ in range(times):
                await work()
            if turn:
                spent[name].append((processor_seconds(*helpers) - before) / times)
    return {name: statistics.median(every) * 1000 for name, every in spent.items()}


def processor_seconds(*helpers: Host | Sandbox) -> float:
    """What this process and the helpers' have spent of the processor so far."""
    spent = time.process_time()
    for pid in (pid for helper in helpers for pid in helper.pids):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                spent += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return spent


def workflow(worker: dict[str, Any], sandbox: Sandbox, types: NodeTypes) -> Work:
    """Runs a workflow with this node, which gets 1,000 items."""
    definition = stored(worker)

    async def run() -> None:
        outcome = await run_workflow(
            RunRequest("1", "manual", orjson.loads(definition), items=items(1_000)), sandbox, types
        )
        if outcome.status != "success":
            raise AssertionError(outcome.error)

    return run


async def with_base(folder: Path) -> dict[str, Memory]:
    """The memory of hosts in which every node of n8n-nodes-base is loaded, one after another: the largest, and at rest.

    A process that has loaded much makes place for another one, so what is at rest has loaded only the last ones.
    """
    package = folder / "node_modules" / BASE
    manifest = await read_package(package)
    largest, seen = (0.0, 0.0), set()
    async with Host(folder) as host:
        for found in manifest.nodes:
            where = {"folder": str(package), "file": found.file, "className": found.class_name}
            await host.call({"kind": "load", "package": {**where, "version": found.versions[-1]}})
            seen |= set(host.pids)
            largest = max([largest, *memory_of(host)], key=itemgetter(1))
        await asyncio.sleep(REST_SECONDS)
        at_rest = max(memory_of(host), default=(0.0, 0.0), key=itemgetter(1))
    through = f"the largest of {len(seen)} hosts, while all {len(manifest.nodes)} nodes of {BASE} are loaded"
    return {through: largest, "the last of them, at rest": at_rest}


def memory_of(host: Host) -> list[Memory]:
    """What each process of the host has of its own, and all that it has in memory, in MiB."""
    return [memory for pid in host.pids if (memory := memory_of_process(pid)) is not None]


def memory_of_process(pid: int) -> Memory | None:
    """None where it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return None
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024, kib["Rss"] / 1024


def report_packages(report: Report) -> None:
    """Measure all cases."""
    figures, memory = asyncio.run(measure())
    with report.table("nodes of packages", **{"ms of processor": ",.2f"}) as table:
        for name, figure in figures.items():
            table.add(name, figure)
    with report.table("memory of package processes", **{"own MiB": ",.0f", "resident MiB": ",.0f"}) as table:
        for name, (own, resident) in memory.items():
            table.add(name, own, resident)


if __name__ == "__main__":
    report_packages(Report())
