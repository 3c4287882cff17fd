"""Starting a workflow from outside: POST /workflows/{id}/run, also known as execute."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Response

from app.api.face import idempotency
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint, View
from app.api.face.services import database, services
from app.api.face.traces import called_within
from app.api.face.waiting import answer_later, require_room
from app.api.rendering import render_execution
from app.api.workflows.visible_workflows import get_visible_workflow
from app.repository import lifecycle
from app.repository.errors import ExecutionNotFound, IsArchived
from app.repository.executions import get_execution
from app.repository.lifecycle import StartInput
from app.schemas.executions import ExecutionSchema
from app.schemas.workflows import RunBody, document_of, items_of
from app.vocabulary import ENDED

blueprint = Blueprint("workflows-runs", __name__, url_prefix="/api/v1/workflows", description="Starting workflows.")


def starting(rule: str) -> Callable[[View], View]:
    """An endpoint that starts a workflow, at this path."""
    return blueprint.endpoint(
        "POST",
        rule,
        scope="workflow:execute",
        body=RunBody(),
        body_required=False,
        answer=ExecutionSchema,
        errors=[404],
        idempotent=True,
        example={"input": [{"email": "customer@example.com"}], "wait": 10},
    )


@starting("/<workflow_id>/execute")
def execute_workflow(body: dict[str, Any], workflow_id: str) -> Response:
    """Another name of `run`, which clients of n8n use."""
    return run_workflow(body, workflow_id)


@starting("/<workflow_id>/run")
def run_workflow(body: dict[str, Any], workflow_id: str) -> Response:
    """Run a workflow once, and with `wait` answer when it has ended or the time is up."""
    items = items_of(body["input"]) if "input" in body else None
    start_node = body.get("start_node")
    deadline = time.monotonic() + body["wait"]
    execution_id = 0
    if body["wait"]:
        require_room()
    with ExitStack() as waiting:
        with database() as connection:
            workflow = get_visible_workflow(connection, workflow_id)
            if workflow.is_archived:
                raise IsArchived("Cannot run an archived workflow.")

            def act() -> dict[str, Any]:
                nonlocal execution_id
                services().rules.check_run(document_of(workflow.definition), start_node)
                execution_id = lifecycle.create_execution(
                    connection,
                    workflow.target,
                    StartInput(start_node, items, traceparent=called_within()),
                    mode="manual",
                    awaited=body["wait"] > 0,
                )
                return render_execution(get_execution(connection, execution_id))

            response = idempotency.once(connection, act)
            if not body["wait"] or idempotency.is_replayed(response):
                return response
            expected = waiting.enter_context(services().waiters.expecting(execution_id))

        def look(over: bool) -> Response | None:
            return when_ended(execution_id, over, response)

        return answer_later(waiting.pop_all(), expected, deadline, look)


def when_ended(execution_id: int, over: bool, so_far: Response) -> Response | None:
    """The answer when the execution has ended or the time is over; `so_far` when somebody has deleted it."""
    try:
        with database() as connection:
            execution = get_execution(connection, execution_id, project_id=caller().project_id)
            if execution.status in ENDED or over:
                return idempotency.replace_answer(connection, render_execution(execution))
    except ExecutionNotFound:
        return so_far
    return None
