"""The engine's entry point: run a workflow, or take up an interrupted run.

Everything that a workflow does wrong comes back as a RunOutcome; nothing of it is raised.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app import dates
from app.engine.run.checks import check_parameters, check_runnable
from app.engine.run.computing import FEW, PLAIN, compute
from app.engine.run.document import RunDocument, with_error, with_wait
from app.engine.run.errors import NodeError, RunError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.executor import Halt, execute
from app.engine.run.graph import Graph, InvalidWorkflow, WorkflowHasIssues
from app.engine.run.memory import DICT, weigh, weigh_light
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsed_workflow import ParsedWorkflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState, Task, restore
from app.engine.run.static_data import StaticData
from app.engine.sandbox import Sandbox
from app.vocabulary import Ended

PINNING_MODES = frozenset({"manual", "test"})
CANCELED = "The execution was cancelled manually"
TIMED_OUT = "TimeoutExecutionCancelledError"
"""Name of the error of a run whose time was over."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One execution to run, or to take up again.

    `items` go into the trigger; with `resume` they are instead the output of the node that waited. `items_size` are the
    bytes that they take, where that is known. `static_data` is what earlier executions have kept; None: what the
    workflow's document holds.
    """

    execution_id: str
    mode: str
    workflow: dict[str, Any]
    start_node: str | None = None
    items: list[dict[str, Any]] | None = None
    items_size: int | None = None
    resume: dict[str, Any] | None = None
    ports: Ports = field(default_factory=Ports)
    static_data: dict[str, Any] | None = None
    parsed: ParsedWorkflow | None = None
    """The workflow with its graph, where it runs again and again."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended (success, error, canceled) or why it stands still (waiting), with all its data."""

    status: Ended | Literal["waiting"]
    data: dict[str, Any]
    error: RunError | None
    wait_till: datetime | None
    custom_data: dict[str, str]
    resume_on: str | None = None
    """What ends the wait before its time: `webhook`, a call to the execution's resume URL; `child`, the end of the
    sub-workflow that was started last."""
    static_data: dict[str, Any] = field(default_factory=dict)
    """The parts of the workflow's static data that the run has changed."""
    asks: dict[str, Any] | None = None
    """The parameters of the node that waits for a call, with their values, where its caller needs them."""

    @property
    def document(self) -> RunDocument:
        """What reads its data."""
        return RunDocument(self.data)


async def run_workflow(request: RunRequest, sandbox: Sandbox, types: NodeTypes) -> RunOutcome:
    """Run a workflow, its nodes by `types`, until it ends or waits.

    Cancelling the task stops it: the RunOutcome is then `canceled`. Where it had not come to its first node, which it
    may take a while to be made ready for, CancelledError is raised instead.
    """
    earlier = RunDocument(request.resume) if request.resume is not None else None
    try:
        parsed = request.parsed or ParsedWorkflow(request.workflow)
        graph = parsed.graph(types, request.ports.timezone)
        if earlier is None:
            state = await compute(_begin, graph, request, size=len(request.items or ()) / PLAIN)
        else:
            state = restore(graph, earlier)
        _check(state)
        static_data = graph.static_data if request.static_data is None else request.static_data
        state.static_data = StaticData(dict(static_data))
    except InvalidWorkflow as error:
        name = "WorkflowHasIssuesError" if isinstance(error, WorkflowHasIssues) else "WorkflowOperationError"
        return _refused_outcome(request, name, str(error))
    if earlier is not None and earlier.waits:
        _pass_wait(state, request.items)
    timeout = graph.settings.get("executionTimeout")
    limit = float(timeout) if isinstance(timeout, int | float) and timeout > 0 else None
    try:
        async with asyncio.timeout(limit):
            request.ports.progress.follow(state.run_data, state.execution_index)
            await _take_memory(state, request)
            halt = await execute(state, sandbox, ExecutionInfo(request.execution_id, request.mode, request.ports))
    except TimeoutError:
        return _canceled_outcome(state, "The execution was cancelled because it timed out", TIMED_OUT)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return _canceled_outcome(state, CANCELED, "ManualExecutionCancelledError")
    return _outcome(state, halt)


async def _take_memory(state: RunState, request: RunRequest) -> None:
    """Count what the run begins with."""
    held = None
    if request.resume is None and request.items_size is not None:
        held = request.items_size + 2 * DICT * len(request.items or ())
    elif request.resume is None:
        given = [item for task in state.stack for items in task.inputs for item in (items or ())[: FEW + 1]]
        held = weigh_light(given) if len(given) <= FEW else None
    if held is None:
        held = await compute(_count_memory, state)
    request.ports.meter.take(held)


def _count_memory(state: RunState) -> int:
    """What a run begins with: the data of its earlier part, and what was handed to it."""
    size = sum(weigh([run]) for runs in state.run_data.values() for run in runs)
    tasks = [*state.stack, *(task for tasks in state.waiting.values() for task in tasks)]
    return size + sum(weigh(items) for task in tasks for items in task.inputs if items)


def _begin(graph: Graph, request: RunRequest) -> RunState:
    start = graph.start_node(request.start_node)
    pins = graph.pin_data
    pinning = request.mode in PINNING_MODES
    state = RunState(graph)
    if pinning:
        state.pin_data = pins
    items = request.items
    if items is None and not pinning:
        items = pins.get(start.name)
    given = items is not None
    inputs = [{"json": {}}] if items is None else [dict(item) for item in items]
    for place, item in enumerate(inputs):
        item["pairedItem"] = {"item": place}
    state.stack.append(Task(start, [inputs], None, given=given))
    return state


def _check(state: RunState) -> None:
    """Refuse before the first node what could not run: the workflow may have changed since the run began."""
    check_runnable(state.graph)
    for task in [*state.stack, *(task for tasks in state.waiting.values() for task in tasks)]:
        check_parameters(state.graph, task.node.name, state.pin_data)


def _pass_wait(state: RunState, items: list[dict[str, Any]] | None) -> None:
    """The wait is over: forget its unfinished run and let its items (or what woke it up) pass."""
    if not state.stack:
        return
    task = state.stack[-1]
    task.resumed = not task.children
    if items is not None:
        task.inputs = [items]
    runs = state.run_data.get(task.node.name)
    if runs and runs[-1].get("executionStatus") == "waiting":
        state.execution_index = runs.pop().get("executionIndex", state.execution_index)
        if not runs:
            del state.run_data[task.node.name]


def _outcome(state: RunState, halt: Halt | None) -> RunOutcome:
    data, changes = state.document(), state.static_data.changes()
    if halt is not None and halt.wait_till is not None:
        data = with_wait(data, dates.to_iso(halt.wait_till))
        return RunOutcome("waiting", data, None, halt.wait_till, state.custom_data, halt.resume_on, changes, halt.asks)
    if halt is not None:
        return RunOutcome("error", data, halt.error, None, state.custom_data, static_data=changes)
    return RunOutcome("success", data, None, None, state.custom_data, static_data=changes)


def _canceled_outcome(state: RunState, message: str, name: str) -> RunOutcome:
    state.error = _plain_error(name, message)
    changes = state.static_data.changes()
    return RunOutcome("canceled", state.document(), None, None, state.custom_data, static_data=changes)


def refuse_input(error: NodeError) -> RunOutcome:
    """The outcome of a run whose input is more than it may hold, so that it was not even read."""
    message = f"{error.message}. {error.description}"
    data = with_error(None, _plain_error("WorkflowOperationError", message))
    return RunOutcome("error", data, RunError(None, message), None, {})


def stop_early() -> RunOutcome:
    """The outcome of a run that was stopped before it had read what it begins with."""
    data = with_error(None, _plain_error("ManualExecutionCancelledError", CANCELED))
    return RunOutcome("canceled", data, None, None, {})


def _refused_outcome(request: RunRequest, name: str, message: str) -> RunOutcome:
    """A workflow that cannot run: nothing has run, or what had run before stays as it was."""
    data = with_error(request.resume, _plain_error(name, message))
    return RunOutcome("error", data, RunError(None, message), None, dict(RunDocument(data).custom_data))


def _plain_error(name: str, message: str) -> dict[str, Any]:
    return {
        "level": "warning",
        "tags": {},
        "timestamp": int(time.time() * 1000),
        "context": {},
        "functionality": "regular",
        "name": name,
        "message": message,
        "stack": f"{name}: {message}",
    }
