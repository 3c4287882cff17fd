"""A node's request to the engine: its actions become runs of their own, after which the node runs again with them.

The node goes back on the stack with its request, and the nodes that it asks for above it, so that a run which is
interrupted between them is taken up again like any other.
"""

from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import MAX_ACTIONS, ActionResult, EngineRequest, EngineResponse, Json, SubNodeCall
from app.engine.run.errors import NodeError
from app.engine.run.graph import Node
from app.engine.run.items import Outputs
from app.engine.run.memory import weigh
from app.engine.run.state import RunState, Task

MAX_DEPTH = 20
"""How many nodes, each of them a tool of the one before, may wait for each other."""


def take_request(state: RunState, task: Task, context: NodeContext, request: EngineRequest) -> None:
    """Put what a node asks for on the stack. Raises NodeError for what it may not ask for."""
    node = task.node
    if len(request.actions) > MAX_ACTIONS:
        raise NodeError(
            f"The node asks for {len(request.actions):,} runs at once; at most {MAX_ACTIONS:,} are possible"
        )
    if sum(1 for each in state.stack if each.request is not None) >= MAX_DEPTH:
        raise NodeError(f"Tools use each other more than {MAX_DEPTH} deep")
    context.execution.ports.meter.check(weigh([request.actions, request.metadata]))
    calls = [_call(state, task, context, place, action) for place, action in enumerate(request.actions)]
    named = [{"action": each, "nodeName": each["nodeName"], "runIndex": None} for each in request.actions]
    task.request = {"actions": named, "metadata": request.metadata}
    state.stack.append(task)
    state.stack.extend(reversed(calls))
    state.last_node = node.name


def _call(state: RunState, task: Task, context: NodeContext, place: int, action: Json) -> Task:
    about = action.get("metadata") or {}
    gate = _gate(state, task.node, about.get("parentNodeName"))
    called = _called_node(state, gate or task.node, action)
    item = about.get("itemIndex")
    index = item if isinstance(item, int) and 0 <= item < len(context.items) else 0
    source = next(iter(task.sources or ()), None)
    origin, of_item = (source, index) if task.call is None else (task.call.origin, task.call.item)
    given = context.items[index]["json"] if context.items else {}
    json = {**given, **action["input"], "toolCallId": action.get("id")}
    run_index = context.run_index if gate is None else _answered_run(state, task, gate, action)
    came_from = {"previousNode": (gate or task.node).name, "previousNodeOutput": 0, "previousNodeRun": run_index}
    call = SubNodeCall(
        action.get("type") or "ai_tool", place, origin, of_item, None if gate is None else task.node.name
    )
    return Task(called, [[{"json": json}]], [came_from], call=call)


def _gate(state: RunState, root: Node, name: Any) -> Node | None:
    """The node that stands between a root and the tool that it asks for, and has let it pass; None: there is none."""
    gates = (state.graph.nodes[each] for each in root.attached.get("ai_tool", ()) if each == name)
    return next((each for each in gates if each.kind.gates), None)


def _answered_run(state: RunState, task: Task, gate: Node, action: Json) -> int:
    """The run of a gate in which this very action was let pass; where nothing tells, its last one."""
    for asked in (task.request or {}).get("actions", ()):
        is_this = asked["nodeName"] == gate.name and asked["action"].get("id") == action.get("id")
        if is_this and isinstance(index := asked.get("runIndex"), int):
            return index
    return len(state.run_data.get(gate.name) or [{}]) - 1


def _called_node(state: RunState, root: Node, action: Json) -> Node:
    name, kind = str(action.get("nodeName")), action.get("type") or "ai_tool"
    if name not in root.attached.get(kind, ()) or state.graph.nodes[name].disabled:
        raise NodeError(f"'{root.name}' asks for the node '{name}', which is not connected and enabled as its {kind}")
    if not isinstance(action.get("input"), dict):
        raise NodeError(f"'{root.name}' asks for the node '{name}' without an object as its input")
    return state.graph.nodes[name]


def begin_call(state: RunState, task: Task, context: NodeContext, run: Json) -> None:
    """Tell a node that it runs for another one, or what came of its own request, and note both in its run."""
    if task.request is not None:
        context.response = _response(state, task.request)
        context.metadata |= {"nodeWasResumed": True, "subNodeExecutionData": task.request}
    call = task.call
    if call is None:
        return
    root = _root(state, task)
    if root is not None:
        context.anchor = root.node if root.call is None else _main_root(state, root)
        action = (root.request or {})["actions"][call.place]["action"]
        item = (action.get("metadata") or {}).get("itemIndex", 0)
        paired = {"item": item, "input": 0, "sourceOverwrite": next(iter(root.sources or ()), None)}
        context.query = action["input"]
        run["inputOverride"] = {call.kind: [[{"json": action["input"], "pairedItem": paired}]]}
    if call.origin is not None:
        context.origin = (call.origin, call.item)
        context.metadata |= {"preserveSourceOverwrite": True, "preservedSourceOverwrite": call.origin}


def finish_call(state: RunState, task: Task, run: Json, outputs: Outputs | None, failure: NodeError | None) -> None:
    """Record the run of a node that another one has asked for; a failure is an answer, too."""
    assert task.call is not None
    if failure is not None:
        outputs = [[{"json": {"error": failure.message}}]]
    run["data"] = {task.call.kind: outputs or [[]]}
    root = _root(state, task)
    if root is not None and root.request is not None:
        root.request["actions"][task.call.place]["runIndex"] = len(state.run_data.get(task.node.name, ()))
    state.record(task.node, run)


def _root(state: RunState, task: Task) -> Task | None:
    """The task of the node that has asked for this one."""
    name = ((task.sources or [None])[0] or {}).get("previousNode")
    if task.call is not None and task.call.root is not None:
        name = task.call.root
    return next((each for each in reversed(state.stack) if each.request is not None and each.node.name == name), None)


def _main_root(state: RunState, task: Task) -> Node:
    """The node of the main flow at the end of a chain of requests."""
    root: Task | None = task
    for _ in range(MAX_DEPTH):
        if root is None or root.call is None:
            break
        root = _root(state, root)
    return task.node if root is None else root.node


def _response(state: RunState, request: dict[str, Any]) -> EngineResponse | None:
    """What came of a request; None where its runs are not there any more, so that the node starts anew."""
    results = []
    for entry in request["actions"]:
        runs, index = state.run_data.get(entry["nodeName"]) or [], entry.get("runIndex")
        if not isinstance(index, int) or not 0 <= index < len(runs):
            return None
        results.append(ActionResult(entry["action"], runs[index]))
    return EngineResponse(results, request.get("metadata") or {})
