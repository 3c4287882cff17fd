"""Sub-workflows of executions that this worker runs: stored ones become executions of their own."""

from typing import Any

import orjson

from app import large_json
from app.credentials.proofs import Proof
from app.engine.run.children import start_node
from app.engine.run.document import RunDocument
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import estimate, length_of_texts
from app.engine.run.meter import Meter
from app.engine.run.ports import ChildOutcome, ChildRequest
from app.repository import callers, lifecycle, static_data, workflows
from app.repository.connection import Connection
from app.repository.errors import IsArchived, WorkflowNotFound
from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim, StartInput
from app.repository.targets import Target
from app.repository.traces import TraceOrigin
from app.vocabulary import ENDED, Mode
from app.worker import run_data
from app.worker.exchange import Assignment, may_ask_for_static_data

MODE: Mode = "integrated"


def start_child(
    connection: Connection, worker_id: int, parent: Assignment, request: ChildRequest, items: bytes, depth: int
) -> Assignment:
    """A running execution of a stored workflow, part of `parent`. Raises NodeError when it cannot be.

    `items` are those of the request as JSON. `depth` counts the workflows above it, those without a record of their
    own as well.
    """
    workflow = get_called_workflow(connection, parent.claim, request)
    document = orjson.loads(workflow.definition)
    given = ExecutionInput(start_node(document), items)
    execution_id = lifecycle.create_running(
        connection,
        worker_id,
        workflow.target,
        start_of(parent, document, items),
        mode=MODE,
        parent_id=parent.claim.id,
    )
    if execution_id is None:
        raise NodeError("The worker has lost its lease")
    claim = claim_of(execution_id, workflow.target)
    named = {**document, "id": workflow.id, "name": workflow.name}
    stored = static_data.read(connection, [workflow.id]) if may_ask_for_static_data(workflow.definition) else {}
    return Assignment(
        claim,
        named,
        given,
        None,
        depth=depth,
        above=(*parent.above, parent.claim.id),
        may_wait=request.may_wait,
        static_data=stored.get(workflow.id),
        proof=Proof(secrets=parent.proof.secrets),
        origin=origin_below(parent),
    )


def claim_of(execution_id: int, target: Target) -> Claim:
    """What a worker knows of a sub-workflow that it runs beside its parent."""
    return Claim(
        id=execution_id,
        workflow_id=target.workflow_id,
        workflow_version_id=target.version_id,
        project_id=target.project_id,
        mode=MODE,
        retry_of=None,
        awaited=False,
        resumed=False,
        waited_seconds=None,
    )


def origin_below(parent: Assignment) -> TraceOrigin | None:
    """What a sub-workflow of this execution comes from, where that is known of its parent."""
    if parent.origin is None:
        return None
    return TraceOrigin(parent.origin.root_id, parent.claim.id, parent.origin.traceparent)


def queue_child(connection: Connection, parent: Assignment, request: ChildRequest, items: bytes) -> int:
    """Queue a sub-workflow that nobody waits for, given `items` as JSON; returns its id. Raises NodeError when it
    cannot be."""
    workflow = get_called_workflow(connection, parent.claim, request)
    depth = lifecycle.depth_of(connection, parent.claim.id)
    if depth >= lifecycle.MAX_DEPTH:
        raise NodeError(
            f"The sub-workflow was not started: more than {lifecycle.MAX_DEPTH} executions would follow from each "
            "other, each started by the one before"
        )
    if not lifecycle.has_room_below(connection, depth, parent.claim.project_id):
        raise NodeError(
            f"The sub-workflow was not started: {lifecycle.MAX_DEEP} executions of this project, each started by one "
            "that others had started, have not ended yet"
        )
    return lifecycle.create_execution(
        connection,
        workflow.target,
        start_of(parent, orjson.loads(workflow.definition), items),
        mode=MODE,
        parent_id=parent.claim.id,
    )


def start_of(parent: Assignment, document: dict[str, Any], items: bytes) -> StartInput:
    """What is recorded of what a sub-workflow starts with: without the secrets that its parent knows."""
    return StartInput(start_node(document), parent.proof.mask.json(items))


def encode_items(items: list[Item], meter: Meter) -> bytes:
    """The items as JSON, in which what stands in many is written as often. Raises TooMuchData where that would be more
    than what `meter` has left."""
    meter.check(length_of_texts(items, meter.room))
    return run_data.encode(items, levels=0)


def read_child(connection: Connection, parent: Claim, execution_id: str, meter: Meter) -> ChildOutcome:
    """What has become of a sub-workflow that its parent has waited for. Raises NodeError when it is not there, or its
    data is damaged, and TooMuchData where that would take more than what `meter` has left."""
    child = lifecycle.read_child(connection, parent.id, int(execution_id))
    if child is None:
        raise NodeError("The execution of the sub-workflow was deleted")
    status, message, data = child
    if status not in ENDED:
        return ChildOutcome([], execution_id, waits=True)
    meter.check(estimate(data or b""))
    try:
        document = RunDocument(large_json.read(data) if data else {})
    except orjson.JSONDecodeError:
        raise NodeError(f"The data of the sub-workflow's execution {execution_id} is damaged") from None
    if status == "success":
        return ChildOutcome(document.last_outputs(), execution_id, document=document)
    said = message or f"The sub-workflow has ended as {status}"
    return ChildOutcome([], execution_id, said, document.error if message else None)


def get_called_workflow(connection: Connection, parent: Claim, request: ChildRequest) -> workflows.Workflow:
    """The workflow that is meant, within the parent's project. Raises NodeError."""
    workflow_id = request.workflow_id or ""
    try:
        found = workflows.get_published(connection, workflow_id, project_id=parent.project_id)
    except IsArchived:
        raise NodeError("The workflow is archived", description="An archived workflow cannot run") from None
    except WorkflowNotFound:
        raise NodeError(
            "Workflow does not exist.",
            description=f'There is none with the id "{workflow_id}" in this project',
            anonymous=True,
        ) from None
    if not callers.may_be_called(orjson.loads(found.definition).get("settings"), parent.workflow_id):
        raise NodeError(
            f"The sub-workflow ({workflow_id}) cannot be called by this workflow",
            description="The settings of the sub-workflow say which workflows may call it: not this one",
            anonymous=True,
        )
    return found
