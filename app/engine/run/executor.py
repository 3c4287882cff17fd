"""Runs what is due, node by node, until nothing is left, a node fails, or the run has to wait.

Which node is next, `orders` decides. Knows graph and state; of the nodes only that they are run.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.engine.run.attempts import run_attempts
from app.engine.run.computing import FEW, PLAIN, compute
from app.engine.run.context import NodeContext
from app.engine.run.document import CHILDREN, OVERRIDE, TRIES
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, RunError, WaitRequested
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import weigh, weigh_light_outputs, weigh_outputs
from app.engine.run.meter import TooMuchData
from app.engine.run.orders import order_of
from app.engine.run.pairing import finish_outputs, pair_inputs
from app.engine.run.state import MAX_NODE_RUNS, RunState, Task
from app.engine.run.sub_nodes import close_uses
from app.engine.run.tool_calls import begin_call, finish_call, take_request
from app.engine.sandbox import Sandbox

TURN_SECONDS = 0.002
"""How long nodes that are quick run one after the other before others have the loop: a turn of it costs as much as
such a node."""

MAX_CHILDREN = 100
"""Executions of sub-workflows that a run of a node names, the first ones."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Why the run ended before everything had run: an error, or the time it waits for."""

    error: RunError | None = None
    wait_till: datetime | None = None
    resume_on: str | None = None
    asks: dict[str, Any] | None = None


async def execute(state: RunState, sandbox: Sandbox, execution: ExecutionInfo) -> Halt | None:
    """Run everything that is due; None when nothing is left.

    Cancelling puts the node that was running back on the stack before CancelledError goes on.
    """
    failed: NodeError | None = None
    turn_at = time.monotonic() + TURN_SECONDS
    order = order_of(state.graph.settings)
    while state.stack or order.release(state):
        task = state.stack.pop()
        if state.execution_index >= MAX_NODE_RUNS:
            return _went_on_for_too_long(state, task)
        execution.ports.progress.begin(task.node.name)
        try:
            halt, failed = await _run_task(state, task, sandbox, execution)
        except asyncio.CancelledError:
            close_uses(state)
            task.tries = []
            state.stack.append(task)
            raise
        if halt is not None:
            return halt
        if time.monotonic() > turn_at:
            await asyncio.sleep(0)
            turn_at = time.monotonic() + TURN_SECONDS
    if failed is not None and state.last_node is not None:
        # A failure that the run went on from is still its result when nothing came after it.
        state.error = state.run_data[state.last_node][-1]["error"]
        return Halt(error=RunError(state.last_node, failed.message))
    return None


def _went_on_for_too_long(state: RunState, task: Task) -> Halt:
    error = NodeError(f"The workflow was ended after running {MAX_NODE_RUNS:,} nodes: it may go round in circles")
    state.error = error.document(task.node.document)
    state.stack.append(task)
    return Halt(error=RunError(task.node.name, error.message))


async def _run_task(
    state: RunState, task: Task, sandbox: Sandbox, execution: ExecutionInfo
) -> tuple[Halt | None, NodeError | None]:
    """Run one node and hand on its output. Why the run cannot go on, and how the node failed if it did."""
    given = _count(task.inputs)
    # `compute` would do as much; what is awaited costs each of many small nodes.
    inputs = pair_inputs(task) if given <= FEW else await compute(pair_inputs, task, size=given / PLAIN)
    run, started = _begin_run(state, task), time.perf_counter_ns()
    context = context_of_task(state, task, inputs, sandbox, execution)
    if task.call is not None or task.request is not None:
        begin_call(state, task, context, run)
    try:
        outputs = await run_attempts(context, task)
        if isinstance(outputs, EngineRequest):
            take_request(state, task, context, outputs)
            return None, None
        made = _count(outputs or ())
        await _take_memory(context, outputs or [])
    except WaitRequested as wait:
        run["executionTime"] = _elapsed_ms(started)
        return _put_aside(task, context, run, inputs[:1], wait), None
    except NodeError as error:
        _note_end(task, context, run, started, "error")
        return _fail(task, context, run, error)
    _note_end(task, context, run, started, "success")
    if outputs is None:
        if task.call is None:
            return None, None  # the branch ends here, and the node has left nothing to record
        outputs = [[]]
    if given + made <= FEW:
        finished = finish_outputs(task.node, inputs, outputs, context.output_count)
    else:
        size = (given + made) / PLAIN
        finished = await compute(finish_outputs, task.node, inputs, outputs, context.output_count, size=size)
    if task.call is not None:
        finish_call(state, task, run, finished, None)
    else:
        _hand_on(context, run, finished)
    return None, None


def _begin_run(state: RunState, task: Task) -> dict[str, Any]:
    """What is known of a node's run when it begins."""
    run = {
        "startTime": time.time_ns() // 1_000_000,
        "executionIndex": state.next_index(),
        "source": task.sources or [],
        "hints": [],
    }
    if task.override is not None:
        run[OVERRIDE] = {"main": [task.override, *(None for _ in task.inputs[1:])]}
    return run


def _put_aside(
    task: Task, context: NodeContext, run: dict[str, Any], given: list[list[Item]], wait: WaitRequested
) -> Halt:
    """Record that the node waits; its task is the next when the run goes on."""
    kind = "main" if task.call is None else task.call.kind
    run |= {"executionStatus": "waiting", "data": {kind: given}}
    if task.tries:
        context.metadata[TRIES] = task.tries
    if context.children.ids or task.tries:
        run["metadata"] = context.metadata
    context.state.record(task.node, run)
    context.state.stack.append(task)
    return Halt(wait_till=wait.until, resume_on=wait.resume_on, asks=wait.asks)


def context_of_task(
    state: RunState, task: Task, inputs: list[list[Item]], sandbox: Sandbox, execution: ExecutionInfo
) -> NodeContext:
    """What the node sees, with its inputs paired; the task keeps those, so that it can run again."""
    node, came = task.node, task.inputs[0] if task.inputs else None
    task.inputs = list(inputs)
    run_index = len(state.run_data.get(node.name, ()))
    context = NodeContext(node, inputs, task.sources, run_index, state, sandbox, execution)
    context.children.ids = task.children
    if node.execute_once and not node.disabled and task.sources is not None:
        context.unprocessed = [{**item, "pairedItem": {"item": place}} for place, item in enumerate(came or [])][1:]
    return context


def _note_end(task: Task, context: NodeContext, run: dict[str, Any], started: int, status: str) -> None:
    """Complete the record of a run that has ended, but for its error or its data."""
    if context.node.attached:
        close_uses(context.state)
    run |= {"executionTime": _elapsed_ms(started), "executionStatus": status, "hints": context.hints}
    if task.tries:
        context.metadata[TRIES], task.tries = task.tries, []
    if len(context.children.ids) > 1:
        context.metadata[CHILDREN] = context.children.ids[:MAX_CHILDREN]
    if context.metadata:
        run["metadata"] = context.metadata


def _fail(
    task: Task, context: NodeContext, run: dict[str, Any], error: NodeError
) -> tuple[Halt | None, NodeError | None]:
    """Record a failure. The run goes on with the node's input where the node's settings say so, and ends where not."""
    state, node = context.state, task.node
    run["error"], error = _count_error(context, error)
    if task.call is not None:
        finish_call(state, task, run, None, error)
        return None, None
    if node.continues_on_fail:
        _hand_on(context, run, [[*items, *context.unprocessed] for items in context.inputs[:1]])
        return None, error
    state.record(node, run)
    state.error = run["error"]
    state.stack.append(task)
    return Halt(error=RunError(node.name, error.message)), error


def _count_error(context: NodeContext, error: NodeError) -> tuple[dict[str, Any], NodeError]:
    """The document of a failure that the run may hold, and the failure: another one where its texts are too much."""
    document = error.document(context.node.document)
    try:
        # The node is the workflow's own, which is there already.
        context.execution.ports.meter.add(weigh([value for name, value in document.items() if name != "node"]))
    except TooMuchData as more:
        return more.document(context.node.document), more
    return document, error


def _hand_on(context: NodeContext, run: dict[str, Any], outputs: Outputs) -> None:
    """Record what the node gives, and deliver it to the nodes that follow."""
    run["data"] = {"main": outputs}
    context.state.record(context.node, run)
    order = order_of(context.state.graph.settings)
    order.deliver(context.state, context.node, outputs, context.run_index)


async def _take_memory(context: NodeContext, outputs: Outputs) -> None:
    """Count what the outputs add to the run. Raises TooMuchData."""
    meter, inputs = context.execution.ports.meter, context.inputs
    room = meter.room
    size = weigh_light_outputs(outputs, inputs, room)
    if size is not None and size < room:
        meter.take(size)  # threads of other runs may have taken of the room since, as within `add` after its check
    else:
        meter.add(await compute(weigh_outputs, outputs, inputs, room) if size is None else size)


def _count(ports: Sequence[list[Item] | None]) -> int:
    total = 0
    for items in ports:  # without a list of them: every node pays it twice
        if items:
            total += len(items)
    return total


def _elapsed_ms(started: int) -> int:
    return (time.perf_counter_ns() - started) // 1_000_000
