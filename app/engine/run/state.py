"""What one run has done so far and what it still has to do, and how that is written down.

An interrupted run is taken up again from its document; runs nothing itself.
"""

from dataclasses import dataclass, field
from typing import Any

from app.engine.run.document import CHILDREN, OVERRIDE, TRIES, RunDocument, write_document, write_due, write_result
from app.engine.run.engine_requests import SubNodeCall
from app.engine.run.graph import Graph, InvalidWorkflow, Node
from app.engine.run.items import InputSource, Item
from app.engine.run.static_data import StaticData

MAX_NODE_RUNS = 250_000
"""Nodes that one run may run, all rounds of its loops counted; what they leave behind takes some 400 MiB."""

Inputs = list[list[Item] | None]


@dataclass(slots=True)
class Task:
    """A node that is due, with the items at its inputs and where each input's items come from."""

    node: Node
    inputs: Inputs
    sources: list[InputSource | None] | None
    given: bool = False
    """The items were handed to the trigger by the caller, so that its pinned ones do not count."""
    resumed: bool = False
    """The node has waited already and only has to pass its items on."""
    children: list[str] = field(default_factory=list)
    """The executions of the sub-workflows that the node had started before it waited for the last of them."""
    call: SubNodeCall | None = None
    """Set where the node runs for another one that it hangs on."""
    override: list[Item] | None = None
    """The items that a retry put at the first input, in place of what its source gave."""
    request: dict[str, Any] | None = None
    """What the node has asked of the engine, in n8n's shape: {"actions": [{"action", "nodeName", "runIndex"}],
    "metadata"}."""
    tries: list[dict[str, Any]] = field(default_factory=list)
    """How the node was tried in this run, where it was so more than once; see `Tries`."""


@dataclass(slots=True)
class RunState:
    """The whole of a run between two nodes."""

    graph: Graph
    run_data: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stack: list[Task] = field(default_factory=list)
    """What is due next stands at the end."""
    waiting: dict[str, list[Task]] = field(default_factory=dict)
    """Nodes with several inputs, of which some have come in; one entry for each run to be."""
    context_data: dict[str, dict[str, Any]] = field(default_factory=dict)
    custom_data: dict[str, str] = field(default_factory=dict)
    static_data: StaticData = field(default_factory=lambda: StaticData({}))
    variables: dict[str, str] | None = None
    """What $vars shows; None: no node has asked for it yet."""
    pin_data: dict[str, list[Item]] = field(default_factory=dict)
    metadata: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Which runs of sub-nodes there were, by their names."""
    last_node: str | None = None
    error: dict[str, Any] | None = None
    execution_index: int = 0

    def record(self, node: Node, run: dict[str, Any]) -> None:
        """Add a run of a node; it is now the node that ran last."""
        self.run_data.setdefault(node.name, []).append(run)
        self.last_node = node.name

    def next_index(self) -> int:
        """The number of the next run of any node, counted from 0."""
        index = self.execution_index
        self.execution_index += 1
        return index

    def document(self) -> dict[str, Any]:
        """The run in n8n's shape, ready for JSON; `restore` takes it up again."""
        result = write_result(
            self.run_data,
            error=self.error,
            last_node=self.last_node,
            custom_data=self.custom_data,
            pin_data=self.pin_data,
        )
        due = write_due(
            [_task_document(task) for task in reversed(self.stack)],
            context_data=self.context_data,
            metadata=self.metadata,
            waiting={
                name: {str(run): {"main": task.inputs} for run, task in enumerate(tasks)}
                for name, tasks in self.waiting.items()
            },
            waiting_sources={
                name: {str(run): {"main": task.sources} for run, task in enumerate(tasks)}
                for name, tasks in self.waiting.items()
            },
        )
        return write_document(result, due)


def restore(graph: Graph, document: RunDocument) -> RunState:
    """The run that `RunState.document` wrote down, over `graph`, which may be a later version of the workflow.

    Raises InvalidWorkflow when the graph no longer has a node that is due.
    """
    state = RunState(
        graph,
        run_data={name: list(runs) for name, runs in document.run_data.items()},
        context_data={name: dict(entry) for name, entry in document.context_data.items()},
        custom_data=dict(document.custom_data),
        pin_data=dict(document.pin_data),
        metadata={name: list(entries) for name, entries in document.metadata.items()},
        last_node=document.last_node,
    )
    for entry in reversed(document.stack):
        node = _due_node(graph, (entry.get("node") or {}).get("name"))
        state.stack.append(_restore_task(node, entry))
    for name, runs in document.waiting.items():
        node = _due_node(graph, name)
        sources_by_run = document.waiting_sources.get(name) or {}
        state.waiting[name] = [
            Task(node, list(entry["main"]), list((sources_by_run.get(run) or {}).get("main") or []))
            for run, entry in sorted(runs.items(), key=lambda pair: int(pair[0]))
        ]
    indexes = [run.get("executionIndex", -1) for runs in state.run_data.values() for run in runs]
    state.execution_index = max(indexes, default=-1) + 1
    return state


def _due_node(graph: Graph, name: Any) -> Node:
    if name not in graph.nodes:
        raise InvalidWorkflow(f"Node '{name}', where the run would go on, is not in the workflow any more.")
    return graph.nodes[name]


def _restore_task(node: Node, entry: dict[str, Any]) -> Task:
    data, sources, metadata = entry.get("data") or {}, entry.get("source") or {}, entry.get("metadata") or {}
    request = metadata.get("subNodeExecutionData")
    kind = next((kind for kind in data if kind.startswith("ai_")), "main") if "main" not in data else "main"
    task = Task(node, list(data.get(kind) or [[]]), sources.get(kind), request=request)
    task.children, task.tries = list(metadata.get(CHILDREN) or ()), list(metadata.get(TRIES) or ())
    if metadata.get(OVERRIDE):
        task.override, task.given = task.inputs[0], task.sources is None
    if kind != "main":
        place, item = metadata.get("action", 0), metadata.get("item", 0)
        task.call = SubNodeCall(kind, place, metadata.get("preservedSourceOverwrite"), item, metadata.get("root"))
    return task


def _task_document(task: Task) -> dict[str, Any]:
    call, kind = task.call, "main" if task.call is None else task.call.kind
    document = {
        "node": task.node.document,
        "data": {kind: task.inputs},
        "source": {kind: task.sources} if task.sources is not None else None,
    }
    metadata: dict[str, Any] = {CHILDREN: task.children} if task.children else {}
    if task.override is not None:
        metadata[OVERRIDE] = True
    if task.tries:
        metadata[TRIES] = task.tries
    if task.request is not None:
        metadata |= {"nodeWasResumed": True, "subNodeExecutionData": task.request}
    if call is not None:
        overwrite = {"preserveSourceOverwrite": True, "preservedSourceOverwrite": call.origin}
        metadata |= {**overwrite, "action": call.place, "item": call.item}
        if call.root is not None:
            metadata["root"] = call.root
    return {**document, "metadata": metadata} if metadata else document
