"""How many calls of Python a small node costs a run: a figure that no load of the machine changes."""

import asyncio
import sys
from typing import Any

import orjson

from app.engine import nodes
from app.engine.run.parsed_workflow import ParsedWorkflow
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from tests.workflows import no_op, stored

MAX_A_NODE = 45


def test_a_small_node_takes_few_calls() -> None:
    more = calls(30) - calls(10)
    assert 0 < more <= 20 * MAX_A_NODE


def calls(number: int) -> int:
    """The calls of Python's own functions in a run of so many nodes that pass on three items."""
    document = orjson.loads(stored(*(no_op(f"N{n}") for n in range(number))))
    parsed = ParsedWorkflow(document)
    made: list[str] = []

    def note(frame: Any, event: str, argument: object) -> None:
        if event == "call":
            made.append(frame.f_code.co_name)

    async def run() -> None:
        items = [{"json": {"n": n}} for n in range(3)]
        request = RunRequest("1", "trigger", document, items=items, parsed=parsed)
        outcome = await run_workflow(request, Sandbox(), nodes.load())
        assert outcome.status == "success"

    async def main() -> None:
        await run()  # what a first run prepares is not counted
        sys.setprofile(note)
        try:
            await run()
        finally:
            sys.setprofile(None)

    asyncio.run(main())
    return len(made)
