"""Running workflows in tests: an engine with a real sandbox, and what came out of it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from app.engine import nodes
from app.engine.run.children import run_document
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.run import RunOutcome, RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from tests.engine.histories import MemoryHistory

Json = dict[str, Any]


class Engine:
    """The engine on an event loop of its own; the sandbox lives as long as it."""

    def __init__(self, **sandbox: int) -> None:
        """`sandbox`: what its sandbox is told, such as memory_mb."""
        self.runner = asyncio.Runner()
        self.sandbox = Sandbox(**sandbox)
        self.types = nodes.load()
        self.runner.run(self.sandbox.__aenter__())

    def close(self) -> None:
        self.runner.run(self.sandbox.__aexit__(None, None, None))
        self.runner.close()

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def run(self, workflow: Json, **request: Any) -> RunOutcome:
        request = {"execution_id": "1", "mode": "manual", "ports": Ports(history=MemoryHistory()), **request}
        request["ports"] = replace(request["ports"], run_child=self._run_child)
        outcomes: list[RunOutcome] = []

        async def run() -> None:  # which returns nothing: asyncio writes out, and drops, what its last task returned
            outcomes.append(await run_workflow(RunRequest(workflow=workflow, **request), self.sandbox, self.types))

        self.runner.run(run())
        return outcomes[0]

    async def _run_child(self, ports: Ports, request: ChildRequest) -> ChildOutcome:
        return await run_document(request, ports, self.sandbox, self.types)


def output_of(outcome: RunOutcome, name: str, run: int = -1, output: int = 0) -> list[Json]:
    """The json of the items that a node put out."""
    entry = outcome.data["resultData"]["runData"][name][run]
    return [item["json"] for item in entry["data"]["main"][output]]


def order(outcome: RunOutcome) -> list[str]:
    """The nodes in the order in which they ran, one entry a run."""
    runs = [
        (run["executionIndex"], name) for name, every in outcome.data["resultData"]["runData"].items() for run in every
    ]
    return [name for _, name in sorted(runs)]
