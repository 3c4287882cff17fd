"""What it costs that a node is a package's: a call of the host, items through it, and its memory.

`make bench` prints it with the rest; `python -m tests.bench.packages` alone. Where PACKAGES names a folder with
`node_modules/n8n-nodes-base`, the memory of a host that has loaded it all is measured, too.
"""

import asyncio
import os
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
from tests.bench.bench_sandbox import milliseconds
from tests.bench.engine import FIVE, edit, items
from tests.bench.report import Report
from tests.packages.running import SAMPLE
from tests.workflows import node, stored

PASSED_ON = "return [this.getInputData()]"
NOTHING = node("Nothing", "n8n-nodes-sample.script", {"code": PASSED_ON})
FIELDS = [{"name": name, "value": value} for name, value in FIVE]
EDIT = node("Edit", "n8n-nodes-sample.edit", {"fields": {"field": FIELDS}})
BASE = "n8n-nodes-base"


def action_of(package: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "execute", "package": package, "parameters": {"code": PASSED_ON}, "node": {}, "items": [[]]}


async def measure() -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds, and MiB."""
    manifest = await read_package(SAMPLE)
    script = {"folder": str(SAMPLE), "file": "nodes/Script.node.js", "className": "Script", "version": 1}
    async with Sandbox() as sandbox, Host(SAMPLE) as host:
        types = nodes.load().copy()
        types.further = Packages(host, [Installed(SAMPLE, manifest)]).node_types(NodeTypes())
        await host.call(action_of(script))
        figures = {
            "an empty round trip": await milliseconds(lambda: host.call({"kind": "ping"}), 500),
            "an action that does nothing": await milliseconds(lambda: host.call(action_of(script)), 500),
            "1,000 items through Edit Fields": await workflow(edit(FIVE), sandbox, types),
            "1,000 items through the same of a package": await workflow(EDIT, sandbox, types),
            "1,000 items through one that does nothing": await workflow(NOTHING, sandbox, types),
        }
        memory = {"a host with a small package": resident_mib(host)}
    if (folder := os.environ.get("PACKAGES")) is not None:
        memory |= await with_base(Path(folder))
    return figures, memory


async def workflow(worker: dict[str, Any], sandbox: Sandbox, types: NodeTypes) -> float:
    """Milliseconds of a workflow with this node, which gets 1,000 items."""
    definition = stored(worker)

    async def run() -> None:
        outcome = await run_workflow(
            RunRequest("1", "manual", orjson.loads(definition), items=items(1_000)), sandbox, types
        )
        if outcome.status != "success":
            raise AssertionError(outcome.error)

    await run()
    return await milliseconds(run, 10)


async def with_base(folder: Path) -> dict[str, float]:
    """The memory of a host in which every node of n8n-nodes-base is loaded."""
    package = folder / "node_modules" / BASE
    manifest = await read_package(package)
    async with Host(folder) as host:
        for found in manifest.nodes:
            where = {"folder": str(package), "file": found.file, "className": found.class_name}
            await host.call({"kind": "load", "package": {**where, "version": found.versions[-1]}})
        return {f"a host with all {len(manifest.nodes)} nodes of {BASE}": resident_mib(host)}


def resident_mib(host: Host) -> float:
    [pid] = host.pids
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def report_packages(report: Report) -> None:
    """Measure all cases."""
    figures, memory = asyncio.run(measure())
    with report.table("nodes of packages", ms=",.2f") as table:
        for name, figure in figures.items():
            table.add(name, figure)
    with report.table("memory of package processes", MiB=",.0f") as table:
        for name, figure in memory.items():
            table.add(name, figure)


if __name__ == "__main__":
    report_packages(Report())
