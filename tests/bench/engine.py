"""The engine alone, without a database: how long nodes take, and that time grows in proportion to the work."""

import asyncio
import gc
import resource
import time
from typing import Any

import orjson

from app.engine import nodes
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from tests.bench.report import Report
from tests.workflows import assign, no_op, node, stored

FIVE = [
    ("greeting", "=Hello {{ $json.name }}"),
    ("double", "={{ $json.n * 2 }}"),
    ("title", "={{ $json.name.toTitleCase() }}"),
    ("tags", "={{ $json.tags.join() }}"),
    ("index", "={{ $itemIndex }}"),
]


def edit(fields: list[tuple[str, str]], name: str = "Edit") -> dict[str, Any]:
    given = [(field, "string", value) for field, value in fields]
    return node(name, "set", assign(*given, options={"ignoreConversionErrors": True}), 3.4)


def items(number: int) -> list[dict[str, Any]]:
    return [{"json": {"name": "ada lovelace", "n": n, "tags": ["a", "b"]}} for n in range(number)]


async def seconds(sandbox: Sandbox, definition: bytes, number: int, rounds: int = 3) -> float:
    """The fastest of some runs, from the graph to the encoded data."""
    fastest = float("inf")
    for _ in range(rounds):
        request = RunRequest("1", "manual", orjson.loads(definition), items=items(number))
        began = time.perf_counter()
        outcome = await run_workflow(request, sandbox, nodes.load())
        orjson.dumps(outcome.data)
        fastest = min(fastest, time.perf_counter() - began)
        if outcome.status != "success":
            raise AssertionError(outcome.error)
    return fastest


async def measure() -> dict[str, float]:
    """Milliseconds by case, and how much memory stays after 50,000 items (MiB)."""
    long = {number: stored(*(no_op(f"N{n}") for n in range(number - 1))) for number in (20, 200)}
    figures = {}
    async with Sandbox() as sandbox:
        await seconds(sandbox, stored(edit(FIVE)), 10)
        before = resident_mib()
        figures["1,000 items, Edit Fields with 5 expressions"] = await seconds(sandbox, stored(edit(FIVE)), 1_000)
        figures["20 nodes, 10 items"] = await seconds(sandbox, long[20], 10)
        figures["200 nodes, 10 items"] = await seconds(sandbox, long[200], 10)
        figures["5,000 items, Edit Fields and No Operation"] = await seconds(
            sandbox, stored(edit(FIVE), no_op()), 5_000
        )
        figures["50,000 items, the same"] = await seconds(sandbox, stored(edit(FIVE), no_op()), 50_000)
        gc.collect()
        kept = resident_mib() - before
    return {name: value * 1000 for name, value in figures.items()} | {"kept": kept}


def resident_mib() -> float:
    """Memory that this process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def report_engine(report: Report) -> None:
    """Measure all cases."""
    figures = asyncio.run(measure())
    with report.table("the engine alone", ms=",.1f") as table:
        for name, value in figures.items():
            if name != "kept":
                table.add(name, value)
    print(f"memory of the process afterwards: {figures['kept']:+.0f} MiB")
