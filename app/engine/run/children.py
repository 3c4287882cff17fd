"""Sub-workflows: one workflow run as a part of another, in the same process and sandbox."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from app.engine.run import run
from app.engine.run.errors import NodeError
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.progress import RunProgress
from app.engine.sandbox import Sandbox

T = TypeVar("T")

MODE = "integrated"
MAX_DEPTH = 20
"""How many workflows may run each other, each as a part of the one before."""
NO_CONNECTIONS = "Cannot read properties of undefined (reading 'hasOwnProperty')"
TRIGGER = "n8n-nodes-base.executeWorkflowTrigger"


async def run_document(request: ChildRequest, ports: Ports, sandbox: Sandbox, types: NodeTypes) -> ChildOutcome:
    """Run a workflow that the node itself holds. It leaves no record of its own. Raises NodeError."""
    if request.document is None:
        raise NodeError("Workflow does not exist.", anonymous=True)
    if not any(types.is_trigger(str(node.get("type"))) for node in request.document.get("nodes") or []):
        raise NodeError(
            "Missing node to start execution",
            description="The workflow that is called needs an Execute Workflow Trigger node",
            anonymous=True,
        )
    if not isinstance(request.document.get("connections"), dict):
        raise NodeError(NO_CONNECTIONS, anonymous=True)
    ports = child_ports(ports)
    child = run.RunRequest(
        execution_id="",
        mode=MODE,
        workflow=request.document,
        start_node=start_node(request.document),
        items=request.items,
        ports=replace(ports, static_data=None),
    )
    try:
        return outcome_of(await run_to_end(run.run_workflow(child, sandbox, types)), None)
    finally:
        ports.meter.end_part()


def child_ports(ports: Ports) -> Ports:
    """The ports of a sub-workflow, whose meter is to be ended with it.

    Raises NodeError where workflows run each other without end.
    """
    if ports.depth >= MAX_DEPTH:
        raise NodeError(f"Sub-workflows are nested more than {MAX_DEPTH} deep")
    meter = ports.meter.begin_part()
    return replace(
        ports,
        respond=None,
        waiting_urls=lambda: (None, ports.waiting_urls()[1]),
        question_url=None,
        meter=meter,
        progress=RunProgress(),
        depth=ports.depth + 1,
        may_wait=False,
    )


def start_node(document: dict[str, Any]) -> str | None:
    """Where a sub-workflow starts: at its own kind of trigger where it has one."""
    names = [node.get("name") for node in document.get("nodes") or [] if node.get("type") == TRIGGER]
    return names[0] if names else None


async def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Await work that takes its cancellation for a result: the caller's own cancellation goes on all the same."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await task
        raise


def outcome_of(outcome: "run.RunOutcome", execution_id: str | None) -> ChildOutcome:
    """What the parent's node learns of a sub-workflow's end."""
    if outcome.status == "success":
        return ChildOutcome(outcome.document.last_outputs(), execution_id, document=outcome.document)
    if outcome.status == "waiting" and execution_id is not None:
        return ChildOutcome([], execution_id, waits=True)
    error = outcome.error.message if outcome.error else f"The sub-workflow has ended as {outcome.status}"
    return ChildOutcome([], execution_id, error, outcome.document.error if outcome.error else None)
