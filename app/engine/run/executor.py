"""Runs what is due, node by node, until nothing is left, a node fails, or the run has to wait.

n8n's execution order v1: depth first, the top-left branch first; a node with several inputs waits for all of them
for as long as another node is due. Knows graph and state; of the nodes only that they are run.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.engine.run.computing import Interrupted, Turn, compute, node_runs
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, RunError, WaitRequested
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.graph import Node
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import passes_on, weigh_outputs
from app.engine.run.state import RunState, Task
from app.engine.sandbox import Sandbox
from app.engine.values import conversions

log = logging.getLogger(__name__)

MOST_NODE_RUNS = 250_000
"""Nodes that one run may run, all rounds of its loops counted; what they leave behind takes some 400 MiB."""

PLAIN = 20
"""How many times less than other computing it takes to pair an item: a thread pays for so many more of them."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Why the run ended before everything had run: an error, or the time it waits for."""

    error: RunError | None = None
    wait_till: datetime | None = None
    resume_on: str | None = None


async def execute(state: RunState, sandbox: Sandbox, execution: ExecutionInfo) -> Halt | None:
    """Run everything that is due; None when nothing is left.

    Cancelling puts the node that was running back on the stack before CancelledError goes on.
    """
    failed: NodeError | None = None
    while state.stack or state.release_waiting(_may_run):
        task = state.stack.pop()
        if state.execution_index >= MOST_NODE_RUNS:
            return _went_on_for_too_long(state, task)
        try:
            halt, failed = await _run_task(state, task, sandbox, execution)
        except asyncio.CancelledError:
            state.stack.append(task)
            raise
        if halt is not None:
            return halt
        await asyncio.sleep(0)
    if failed is not None and state.last_node is not None:
        # A failure that the run went on from is still its result when nothing came after it.
        state.error = state.run_data[state.last_node][-1]["error"]
        return Halt(error=RunError(state.last_node, failed.message))
    return None


def _went_on_for_too_long(state: RunState, task: Task) -> Halt:
    error = NodeError(f"The workflow was ended after running {MOST_NODE_RUNS:,} nodes: it may go round in circles")
    state.error = error.document(task.node.document)
    state.stack.append(task)
    return Halt(error=RunError(task.node.name, error.message))


def _may_run(task: Task) -> bool:
    """Whether a node may run although some of its inputs will never come."""
    required = task.node.kind.needed_inputs(task.node.parameters)
    if required is None:
        return True
    if isinstance(required, int):
        return sum(1 for items in task.inputs if items) >= required
    return all(index < len(task.inputs) and task.inputs[index] for index in required)


async def _run_task(
    state: RunState, task: Task, sandbox: Sandbox, execution: ExecutionInfo
) -> tuple[Halt | None, NodeError | None]:
    """Run one node and hand on its output. Why the run cannot go on, and how the node failed if it did."""
    node = task.node
    run_index = len(state.run_data.get(node.name, ()))
    came = task.inputs[0] if task.inputs else None
    inputs = await compute(_paired_inputs, task, size=_count(task.inputs) / PLAIN)
    given = _count(inputs)
    task.inputs = list(inputs)
    run: dict[str, Any] = {
        "startTime": time.time_ns() // 1_000_000,
        "executionIndex": state.next_index(),
        "source": task.sources or [],
        "hints": [],
    }
    started = time.perf_counter_ns()
    context = NodeContext(node, inputs, task.sources, run_index, state, sandbox, execution)
    if node.execute_once and not node.disabled and task.sources is not None:
        context.unprocessed = [{**item, "pairedItem": {"item": place}} for place, item in enumerate(came or [])][1:]
    status, outputs, failure = "success", None, None
    try:
        outputs = await _outputs(context, task)
        made = _count(outputs or ())
        await _take_memory(context, outputs or [], given + made)
    except WaitRequested as wait:
        run |= {"executionTime": _elapsed(started), "executionStatus": "waiting", "data": {"main": inputs[:1]}}
        state.record(node, run)
        state.stack.append(task)
        return Halt(wait_till=wait.until, resume_on=wait.resume_on), None
    except NodeError as error:
        status, failure = "error", error
    run |= {"executionTime": _elapsed(started), "executionStatus": status}
    if context.metadata:
        run["metadata"] = context.metadata
    if failure is not None:
        run["error"] = failure.document(node.document)
        if not node.continues_on_fail:
            state.record(node, run)
            state.error = run["error"]
            state.stack.append(task)
            return Halt(error=RunError(node.name, failure.message)), failure
        outputs = inputs[:1]
    elif outputs is None:
        return None, None  # the branch ends here, and the node has left nothing to record
    else:
        outputs = await compute(_finish_outputs, node, inputs, outputs, size=(given + made) / PLAIN)
    run["data"] = {"main": outputs}
    state.record(node, run)
    state.deliver(node, outputs, run_index)
    return None, failure


async def _take_memory(context: NodeContext, outputs: Outputs, items: int) -> None:
    """Count what the outputs add to the run. Raises TooMuchData."""
    meter, inputs = context.execution.ports.meter, context.inputs
    size = 0 if passes_on(outputs, inputs) else items
    meter.add(await compute(weigh_outputs, outputs, inputs, meter.room, size=size))


def _count(ports: Sequence[list[Item] | None]) -> int:
    return sum([len(items) for items in ports if items])


def _elapsed(started: int) -> int:
    return (time.perf_counter_ns() - started) // 1_000_000


def _paired_inputs(task: Task) -> list[list[Item]]:
    """The inputs, each item marked with its own place, so that what a node passes on is paired already."""
    if task.sources is None:
        return [items or [] for items in task.inputs]
    inputs = []
    for index, items in enumerate(task.inputs):
        given = items or []
        if task.node.execute_once and not task.node.disabled:
            given = given[:1]
        if index == 0:
            inputs.append([{**item, "pairedItem": {"item": place}} for place, item in enumerate(given)])
        else:
            inputs.append([{**item, "pairedItem": {"item": place, "input": index}} for place, item in enumerate(given)])
    return inputs


async def _outputs(context: NodeContext, task: Task) -> Outputs | None:
    node = context.node
    if task.resumed or node.disabled:
        return context.inputs[:1]
    pinned = context.state.pin_data.get(node.name)
    if pinned is not None and not task.given:
        return [[dict(item) for item in pinned]]
    for _ in range(1, node.tries):
        try:
            outputs = await _run_node(context)
            if not _begins_with_error(outputs):
                return outputs
        except NodeError:
            pass
        await asyncio.sleep(node.retry_seconds)
    return await _run_node(context)


def _begins_with_error(outputs: Outputs | None) -> bool:
    """Whether to try again although the node went on: the first item at its first output stands for an error."""
    first = outputs[0][:1] if outputs else []
    error = first[0]["json"].get("error") if first and isinstance(first[0]["json"], dict) else None
    return error is not None and error is not False


async def _run_node(context: NodeContext) -> Outputs | None:
    context.held = 0
    try:
        with node_runs(Turn(context.node.name, context.execution.id)):
            return await context.node.kind.run(context)
    except Interrupted as error:
        raise NodeError(f"Node '{context.node.name}' was ended: {error.message}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
        where = {"type": context.node.type, "cause": type(error).__name__, "file": place.filename, "line": place.lineno}
        log.warning("node failed unexpectedly", extra=where)  # without its message, which may hold what the node holds
        raise NodeError(
            f"Node '{context.node.name}' could not make sense of its parameters or its input.",
            description="A value has a type or a form that the node does not expect.",
        ) from error


def _finish_outputs(node: Node, inputs: list[list[Item]], outputs: Outputs) -> Outputs:
    if node.on_error == "continueErrorOutput" and not node.disabled:
        outputs = _route_errors(node, inputs, outputs)
    _pair(inputs, outputs)
    if node.always_output and not (outputs and outputs[0]):
        origins = [{"item": place, "input": index} for index, items in enumerate(inputs) for place in range(len(items))]
        outputs = [[{"json": {}, "pairedItem": origins}], *outputs[1:]]
    return outputs


def _pair(inputs: list[list[Item]], outputs: Outputs) -> None:
    """Pair what a node left unpaired where there is only one way to see it; a single item counts as the first's."""
    if len(inputs) != 1:
        return
    count = len(inputs[0])
    for items in outputs:
        if not items or "pairedItem" in items[0]:
            continue
        if count == 1 or len(items) == 1:
            for item in items:
                item.setdefault("pairedItem", {"item": 0})
        elif len(items) == count:
            for place, item in enumerate(items):
                item.setdefault("pairedItem", {"item": place})


def _route_errors(node: Node, inputs: list[list[Item]], outputs: Outputs) -> Outputs:
    """Move the items that stand for an error to the extra output, together with the input they failed for.

    What a node gives beyond the outputs that it shows, as Filter does, gives way to them; what lies further is left.
    """
    regular = node.kind.count_outputs(node.parameters)
    beyond = outputs[regular + 1 :]
    outputs = [*outputs[:regular], *([] for _ in range(regular - len(outputs)))]
    failed: list[Item] = []
    passed: Outputs = []
    for items in outputs:
        passed.append([item for item in items if not _is_error(item)])
        failed.extend(_with_input(item, inputs) for item in items if _is_error(item))
    return [*passed, failed, *beyond]


def _is_error(item: Item) -> bool:
    if conversions.truthy(item.get("error")):
        return True
    json = item["json"]
    if not isinstance(json, dict) or not conversions.truthy(json.get("error")):
        return False
    return len(json) == 1 or (len(json) == 2 and "message" in json)


def _with_input(item: Item, inputs: list[list[Item]]) -> Item:
    pairing = item.get("pairedItem")
    if isinstance(pairing, list) and pairing:
        pairing = pairing[0]
    if isinstance(pairing, dict):
        index, place = pairing.get("input") or 0, pairing.get("item", 0)
        if index < len(inputs) and place < len(inputs[index]):
            return {**item, "json": {**inputs[index][place]["json"], **item["json"]}}
    return item
