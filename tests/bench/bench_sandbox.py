"""How fast the sandbox is, with one project and with several that take turns, and what its walls cost.

`make bench` prints it with the rest; `python -m tests.bench.bench_sandbox` alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import orjson

from app.engine import nodes
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from app.engine.sandbox import process as process_module
from app.engine.sandbox.process import NodeProcess
from app.engine.sandbox.program import launch
from tests.bench.engine import FIVE, edit, items
from tests.bench.report import Report
from tests.workflows import node, stored

ITEM = {"json": {"name": "ada lovelace", "n": 7, "tags": ["a", "b"], "o": {"k": 1}}}
TWO = ["=Hello {{ $json.name }}", "={{ $json.n * 2 }}"]
PROJECTS = (1, 2, 10)


CODE = node("Code", "code", {"jsCode": "return $input.all()"}, 2)


async def milliseconds(work: Callable[[], Awaitable[Any]], times: int, rounds: int = 3) -> float:
    """What one call takes in the fastest round."""
    fastest = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            await work()
        fastest = min(fastest, (time.perf_counter() - began) / times)
    return fastest * 1000


async def by_turns(projects: int, worker: dict[str, Any], number: int, **options: Any) -> float:
    """Milliseconds of one workflow with a node that takes so many items, by so many projects in turn."""
    types, definition = nodes.load(), stored(worker)
    async with Sandbox(**options) as sandbox:
        views = [sandbox.for_project(str(index)) for index in range(projects)]

        async def run(view: Sandbox) -> None:
            request = RunRequest("1", "manual", orjson.loads(definition), items=items(number))
            outcome = await run_workflow(request, view, types)
            if outcome.status != "success":
                raise AssertionError(outcome.error)

        async def turn() -> None:
            for view in views:
                await run(view)

        await turn()
        return await milliseconds(turn, max(1, 20 // projects)) / projects


async def start() -> float:
    """Milliseconds until a process takes requests."""

    async def once() -> None:
        await (await NodeProcess.start(launch("expressions", 256))).close()

    return await milliseconds(once, 5)


async def measure() -> dict[str, dict[str, tuple[float, ...]]]:
    """Milliseconds by table and case."""
    edits, codes = {}, {}
    for projects in PROJECTS:
        edits[projects] = await by_turns(projects, edit(FIVE), 1_000)
        codes[projects] = await by_turns(projects, CODE, 10)
    fresh_edit = await by_turns(2, edit(FIVE), 1_000, processes=1)
    fresh_code = await by_turns(2, CODE, 10, processes=1)
    few = {"items": [ITEM] * 3}
    unseen = iter(range(10**9))
    async with Sandbox() as sandbox:
        await sandbox.evaluate(TWO, few)
        trip = await milliseconds(lambda: sandbox.evaluate(TWO, few), 500)
        new = await milliseconds(lambda: sandbox.evaluate([f"={{{{ $json.n + {next(unseen)} }}}}"], few), 500)
    walled = await start()
    with (
        mock.patch.object(process_module, "drops_root", return_value=False),
        mock.patch.object(process_module, "behind_walls", free),
    ):
        bare = await start()
    return {
        "Edit Fields with 5 expressions, 1,000 items | a Code node": {
            **{f"{n} project{'s' * (n > 1)} taking turns": (edits[n], codes[n]) for n in PROJECTS},
            "2 with room for one process: a fresh one each turn": (fresh_edit, fresh_code),
        },
        "what walls cost": {
            "a process starts, behind all walls of the system": (walled,),
            "a process starts, without them": (bare,),
            "one trip, 2 templates and 3 items": (trip,),
            "the same with an expression that is checked and written anew": (new,),
        },
    }


def free(command: list[str], _: Any) -> list[str]:
    """In the place of the walls."""
    return command


def report_sandbox(report: Report) -> None:
    """Measure all cases."""
    turns, costs = asyncio.run(measure()).items()
    with report.table(turns[0], edit=",.1f", code=",.1f") as table:
        for name, figures in turns[1].items():
            table.add(name, *figures)
    with report.table(costs[0], ms=",.2f") as table:
        for name, figures in costs[1].items():
            table.add(name, *figures)


if __name__ == "__main__":
    report_sandbox(Report())
