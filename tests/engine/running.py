"""Running workflows in tests: an engine with a real sandbox, and short ways to write a workflow down."""

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from app.engine import nodes
from app.engine.run.children import run_document
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.run import Outcome, RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from tests.engine.histories import MemoryHistory

Json = dict[str, Any]


class Engine:
    """The engine on an event loop of its own; the sandbox lives as long as it."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.sandbox = Sandbox()
        self.types = nodes.load()
        self.runner.run(self.sandbox.__aenter__())

    def close(self) -> None:
        self.runner.run(self.sandbox.__aexit__(None, None, None))
        self.runner.close()

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def run(self, workflow: Json, **request: Any) -> Outcome:
        request = {"execution_id": "1", "mode": "manual", "ports": Ports(history=MemoryHistory()), **request}
        request["ports"] = replace(request["ports"], run_child=self._run_child)
        return self.runner.run(run_workflow(RunRequest(workflow=workflow, **request), self.sandbox, self.types))

    async def _run_child(self, ports: Ports, request: ChildRequest) -> ChildOutcome:
        return await run_document(request, ports, self.sandbox, self.types)


def node(name: str, kind: str, parameters: Json | None = None, version: float = 1, **more: Any) -> Json:
    """One node of a workflow; the usual prefix of its type is added."""
    return {
        "id": name.lower(),
        "name": name,
        "type": kind if "." in kind else f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters or {},
        **more,
    }


START = node("Start", "manualTrigger")


def assign(*fields: tuple[str, str, Any], **more: Any) -> Json:
    """Parameters of an Edit Fields node: (name, type, value) each."""
    assignments = [{"name": name, "type": kind, "value": value} for name, kind, value in fields]
    return {"assignments": {"assignments": assignments}, "options": {}, **more}


def condition(left: Any, kind: str, operation: str, right: Any = "", **options: Any) -> Json:
    """Parameters of an IF or Filter node with one condition."""
    entry = {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}
    return {"conditions": {"options": options, "conditions": [entry], "combinator": "and"}}


def workflow(nodes: list[Json], *lines: tuple[str, int, str, int] | tuple[str, str], **more: Any) -> Json:
    """A workflow document; a line is (from, to) or (from, output, to, input)."""
    connections: Json = {}
    for line in lines:
        source, output, target, index = line if len(line) == 4 else (line[0], 0, line[1], 0)
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs.extend([] for _ in range(output + 1 - len(outputs)))
        outputs[output].append({"node": target, "type": "main", "index": index})
    return {"id": "w1", "name": "Test", "nodes": nodes, "connections": connections, "settings": {}, **more}


def chain(*nodes: Json, **more: Any) -> Json:
    """A workflow in which each node follows the one before it."""
    return workflow(list(nodes), *((a["name"], b["name"]) for a, b in itertools.pairwise(nodes)), **more)


def put_out(outcome: Outcome, name: str, run: int = -1, output: int = 0) -> list[Json]:
    """The json of the items that a node put out."""
    entry = outcome.data["resultData"]["runData"][name][run]
    return [item["json"] for item in entry["data"]["main"][output]]


def order(outcome: Outcome) -> list[str]:
    """The nodes in the order in which they ran, one entry a run."""
    runs = [
        (run["executionIndex"], name) for name, every in outcome.data["resultData"]["runData"].items() for run in every
    ]
    return [name for _, name in sorted(runs)]
