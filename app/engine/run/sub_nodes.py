"""What hangs on a node: its models, memories, tools. None runs by itself; the node that uses it asks for it.

A node gets what its sub-nodes supply (`supplied`), or runs them itself and notes each use in the run data under the
type of the connection (`begin_use`, `end_use`), as n8n does.
"""

import time
from dataclasses import replace
from typing import Any

from app.engine.run.attempts import run_node
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, SubNodeError, WaitRequested
from app.engine.run.graph import Node
from app.engine.run.items import Item
from app.engine.run.memory import weigh
from app.engine.run.state import MAX_NODE_RUNS, RunState

MAX_DEPTH = 20
"""How many sub-nodes may hang on each other in a chain."""


def attached(context: NodeContext, kind: str) -> list[Node]:
    """The enabled sub-nodes that hang on a node by this type of connection."""
    nodes = context.state.graph.nodes
    known = context.node.attached.get(kind) or {}
    return [nodes[name] for name in sorted(known, key=known.__getitem__) if not nodes[name].disabled]


def context_of(root: NodeContext, node: Node) -> NodeContext:
    """The context in which a sub-node works for `root`: it sees that one's items and what came before it.

    Raises NodeError where sub-nodes hang on each other without an end.
    """
    if root.depth >= MAX_DEPTH:
        raise NodeError(f"Sub-nodes are connected more than {MAX_DEPTH} deep")
    made = NodeContext(node, root.inputs, root.sources, root.run_index, root.state, root.sandbox, root.execution)
    made.anchor, made.origin, made.depth = root.anchor or root.node, root.origin, root.depth + 1
    return made


async def supplied(context: NodeContext, kind: str) -> list[Any]:
    """What the sub-nodes of one type supply, in the order of their connections. Raises NodeError."""
    values = []
    for node in attached(context, kind):
        if node.kind.supply is None:
            raise NodeError(f"'{node.name}' cannot be used as a sub-node of type {kind}")
        try:
            values.append(await node.kind.supply(context_of(context, node)))
        except NodeError as error:
            raise fail_supply(context, node, error) from error
    return values


async def supplied_one(context: NodeContext, kind: str, label: str) -> Any:
    """What the only sub-node of one type supplies. Raises NodeError where there is none, or more than one."""
    values = await supplied(context, kind)
    if not values:
        raise NodeError(f"A {label} sub-node must be connected and enabled")
    if len(values) > 1:
        raise NodeError(f"Only 1 {kind} sub-nodes are/is allowed to be connected")
    return values[0]


def fail_supply(root: NodeContext, node: Node, error: NodeError, item: int = 0) -> SubNodeError:
    """Note that a sub-node cannot supply anything; returns the error that the node fails with which it hangs on.

    Asked once more in the same run, it fails in the place of its failure before, as in n8n.
    """
    if isinstance(error, SubNodeError):
        return error
    number = _begin_run(root, node, {})
    runs = root.state.run_data[node.name]
    runs[number] |= {"executionStatus": "error", "error": error.document(None)}
    if root.run_index < number and _failed_to_supply(runs[root.run_index]):
        number = root.run_index
        runs[number] = runs.pop()
    if "subRun" not in root.metadata:
        root.metadata["subRun"] = []
        root.state.metadata.setdefault(root.node.name, []).append({"subRun": root.metadata["subRun"]})
    root.metadata["subRun"].append({"node": node.name, "runIndex": number})
    return SubNodeError(node.document, error.message, item)


def _failed_to_supply(run: dict[str, Any]) -> bool:
    return run.get("executionStatus") == "error" and not run.get("inputOverride")


def begin_use(root: NodeContext, node: Node, kind: str, items: list[Item]) -> int:
    """Note that a sub-node begins to work on `items`; returns the number of its run. Raises TooMuchData, NodeError."""
    state = root.state
    if state.execution_index >= MAX_NODE_RUNS:
        raise NodeError(f"Sub-nodes were used too often: an execution runs at most {MAX_NODE_RUNS:,} nodes")
    root.execution.ports.meter.add(weigh([items]))
    index = _begin_run(root, node, {kind: [items]})
    state.run_data[node.name][index]["data"] = {kind: [items]}
    return index


def _begin_run(root: NodeContext, node: Node, given: dict[str, Any]) -> int:
    runs = root.state.run_data.setdefault(node.name, [])
    runs.append(
        {
            "startTime": time.time_ns() // 1_000_000,
            "executionTime": 0,
            "executionIndex": root.state.next_index(),
            "executionStatus": "running",
            "source": [{"previousNode": root.node.name, "previousNodeRun": root.run_index}],
            "inputOverride": given,
        }
    )
    return len(runs) - 1


def end_use(
    root: NodeContext,
    node: Node,
    kind: str,
    index: int,
    *,
    items: list[Item] | None = None,
    error: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Note what came of it: items, or an error; nothing of a use whose beginning nobody noted. Raises TooMuchData."""
    state = root.state
    runs = state.run_data.get(node.name) or []
    run = runs[index] if 0 <= index < len(runs) else {}
    if run.get("executionStatus") != "running" or kind not in run.get("inputOverride", ()):
        return
    root.execution.ports.meter.add(weigh([items, error, metadata]))
    run["executionTime"] = max(0, time.time_ns() // 1_000_000 - run["startTime"])
    about = {"subRun": [{"node": node.name, "runIndex": index}]}
    run["metadata"] = {**(metadata or {}), **about}
    state.metadata.setdefault(node.name, []).append(about)
    if error is not None:
        run |= {"executionStatus": "error", "error": error}
        return
    run |= {"executionStatus": "success", "data": {kind: [items or []]}}


def close_uses(state: RunState) -> None:
    """End what still goes on when the node that used it is through."""
    for node in state.graph.nodes.values():
        for run in reversed(state.run_data.get(node.name) or () if node.sub_node else ()):
            if run.get("executionStatus") != "running":
                break
            run["executionStatus"] = "canceled"


def show_query(context: NodeContext, query: dict[str, Any], run_index: int, item: int) -> None:
    """Let a tool see, in this run of it, what a model has filled in, beside the item that it was used for."""
    given = context.items[item]["json"] if 0 <= item < len(context.items) else {}
    source = next(iter(context.sources or ()), None)
    context.run_index, context.query = run_index, query
    context.inputs = [[{"json": {**given, **query}, "pairedItem": {"item": 0}}]]
    context.origin = context.origin or (None if source is None else (source, item))


async def use_as_tool(root: NodeContext, node: Node, query: dict[str, Any], item: int = 0) -> list[dict[str, Any]]:
    """Run a node as a tool, with what a model has filled in, while the node that uses it goes on; noted like any use.

    Raises NodeError where it fails.
    """
    index = begin_use(root, node, "ai_tool", [{"json": query}])
    context, ports = context_of(root, node), root.execution.ports
    # What is too much for this use is not too much for its root, or for others that it goes on beside.
    part = ports.meter.begin_part()
    context.execution = replace(root.execution, ports=replace(ports, meter=part))
    show_query(context, query, index, item)
    try:
        outputs = await run_node(context, node.kind.run)
        if isinstance(outputs, EngineRequest):
            raise NodeError(f"'{node.name}' has tools of its own, which it cannot use here")
    except WaitRequested as wait:
        error = NodeError(f"'{node.name}' cannot wait while the node that uses it goes on")
        end_use(root, node, "ai_tool", index, error=error.document(node.document))
        raise error from wait
    except NodeError as error:
        end_use(root, node, "ai_tool", index, error=error.document(node.document))
        raise
    finally:
        part.join_part()
    answer = [each["json"] for each in (outputs or [[]])[0]]
    end_use(root, node, "ai_tool", index, items=[{"json": {"response": answer}}])
    return answer
