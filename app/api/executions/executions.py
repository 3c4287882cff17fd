"""Executions: list, read, stop, retry, delete, annotate one."""

import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson
from flask import Response

from app.api.executions.details import Details, shown_within
from app.api.executions.filters import filter_of_query
from app.api.executions.restarts import check_place, restart_of
from app.api.executions.stream import Part, buffer_answer, stream_answer
from app.api.face import idempotency
from app.api.face.answers import answer
from app.api.face.auth import allows, caller
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_number
from app.api.face.reads import from_primary_after_all, reading, reading_later
from app.api.face.services import database, services
from app.api.rendering import render_execution, render_retry, render_tag
from app.repository import annotations, deletions, lifecycle, retries, tags
from app.repository.connection import Connection
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.execution_data import DataDamaged
from app.repository.execution_pages import read_page
from app.repository.executions import Execution, get_execution
from app.schemas.execution_actions import RetryBody, RetryQuery, TagIdBody, UpdateBody
from app.schemas.execution_queries import ExecutionListQuery, ExecutionQuery
from app.schemas.executions import (
    DetailedExecutionSchema,
    ExecutionPageSchema,
    ExecutionSchema,
    RetrySchema,
)
from app.schemas.tags import TagSchema

RETRY_WAIT_SECONDS = 0.25
RETRY_POLL_SECONDS = 0.025

blueprint = Blueprint("executions", __name__, url_prefix="/api/v1/executions", description="What ran, runs or will.")


def require_execution_id(text: str) -> int:
    """The number of an id in a path. Raises ExecutionNotFound for one that cannot exist."""
    return require_number(text, ExecutionNotFound)


def details_of(connection: Connection, query: dict[str, Any], page: Sequence[Execution], together: int) -> Details:
    """Executions with the data that is shown of them: all that the caller insists on, else what the limits let."""
    each = services().settings.data_max_display_size
    insists = query["ignore_data_size_limit"]
    shown = {e.id for e in page} if insists else shown_within(page, each, together)
    return Details(connection, page, shown, with_input=shows_input(query))


def shows_input(query: dict[str, Any]) -> bool:
    """Whether what executions began with is shown to the caller."""
    return not query["redact_execution_data"] and allows(caller(), "execution:read")


def answer_around(start: bytes, details: Details, first: list[Part], end: bytes) -> Response:
    """The answer around executions with their data, of which the first were read: at once, or as they are read."""
    later = reading_later()
    parts = chain([start], first, details.rest(later), [end])
    return buffer_answer(parts, later, details.length) if details.small else stream_answer(parts, later)


def render_current(connection: Connection, number: int) -> dict[str, Any]:
    """The execution object as it is now."""
    return render_execution(get_execution(connection, number, project_id=caller().project_id))


def render_begun(connection: Connection, number: int) -> dict[str, Any]:
    """A retry as it is now."""
    return render_retry(get_execution(connection, number, project_id=caller().project_id))


@blueprint.endpoint("GET", "", scope="execution:list", query=ExecutionListQuery, answer=ExecutionPageSchema)
@from_primary_after_all
def get_many_executions(query: dict[str, Any]) -> Response:
    """List executions, newest first.

    `nextCursor` continues the same list, filters included.
    """
    wanted = filter_of_query(query, caller().project_id)
    counts = services().counts
    with reading() as connection:
        read = read_page(
            connection, wanted, limit=query["limit"] + 1, before=query["last_id"], known=counts.get(wanted)
        )
        counts.put(wanted, read.count)
        page, cursor = LIST_QUERY.cut(query, read.executions)
        envelope = {
            "count": read.count.value,
            "estimated": read.count.estimated,
            "concurrentExecutionsCount": read.running,
            "nextCursor": cursor,
        }
        if not query["include_data"]:
            visible = shows_input(query)
            return answer({"data": [render_execution(e, with_input=visible) for e in page], **envelope})
        details = details_of(connection, query, page, services().settings.page_bytes)
        first = details.first(connection)
    return answer_around(b'{"data":[', details, first, b"]," + orjson.dumps(envelope)[1:])


@blueprint.endpoint(
    "GET",
    "/<execution_id>",
    scope="execution:read",
    query=ExecutionQuery,
    answer=DetailedExecutionSchema,
    errors=[404, 409],
)
@from_primary_after_all
def get_one_execution(query: dict[str, Any], execution_id: str) -> Response:
    """Read an execution, with its data when includeData=true."""
    with reading() as connection:
        execution = get_execution(connection, require_execution_id(execution_id), project_id=caller().project_id)
        if not query["include_data"]:
            return answer(render_execution(execution, with_input=shows_input(query)))
        details = details_of(connection, query, [execution], execution.json_size_bytes)
        first = details.first(connection)
        if details.damaged:
            raise Conflict(str(DataDamaged(execution.id)))
    return answer_around(b"", details, first, b"")


@blueprint.endpoint(
    "POST",
    "/<execution_id>/stop",
    scope="execution:stop",
    answer=ExecutionSchema,
    errors=[404, 409],
    idempotent=True,
)
def stop_execution(execution_id: str) -> Response:
    """Stop an execution that is queued, running or waiting."""
    number = require_execution_id(execution_id)
    with database() as connection:

        def act() -> dict[str, Any]:
            lifecycle.stop(connection, number, project_id=caller().project_id, address=services().settings.webhook_url)
            return render_current(connection, number)

        return idempotency.once(connection, act)


@blueprint.endpoint(
    "POST",
    "/<execution_id>/retry",
    scope="execution:retry",
    query=RetryQuery,
    body=RetryBody(),
    body_required=False,
    answer=RetrySchema,
    errors=[404, 409],
    idempotent=True,
    example={"loadWorkflow": False},
)
def retry_execution(body: dict[str, Any], query: dict[str, Any], execution_id: str) -> Response:
    """Retry an execution that failed, was canceled or crashed; from its start or a node, one that succeeded, too.

    Answers with the new execution, which goes on at the node that failed, or where `from` says. A retry that recorded
    nothing, because its worker was lost or it was stopped before it began, is retried as it had begun.
    """
    number, retry_id, restart = require_execution_id(execution_id), 0, restart_of(body)
    load_workflow = body["load_workflow"] or query["load_workflow"]
    with database() as connection:

        def act() -> dict[str, Any]:
            nonlocal retry_id
            checked = check_place(connection, number, restart)
            retry_id = retries.retry(
                connection, number, load_workflow=load_workflow, restart=checked, project_id=caller().project_id
            )
            return render_begun(connection, retry_id)

        response = idempotency.once(connection, act)
    if idempotency.is_replayed(response):
        return response
    return when_claimed(retry_id, response)


def when_claimed(number: int, so_far: Response) -> Response:
    """Answer when a worker has taken the execution, or after a quarter of a second; `so_far` when it is deleted."""
    deadline = time.monotonic() + RETRY_WAIT_SECONDS
    while True:
        time.sleep(RETRY_POLL_SECONDS)
        try:
            with database() as connection:
                execution = render_begun(connection, number)
                if execution["status"] != "new" or time.monotonic() >= deadline:
                    return idempotency.replace_answer(connection, execution)
        except ExecutionNotFound:
            return so_far


@blueprint.endpoint("DELETE", "/<execution_id>", scope="execution:delete", answer=ExecutionSchema, errors=[404])
def delete_one_execution(execution_id: str) -> Response:
    """Delete an execution and answer with what it was."""
    number = require_execution_id(execution_id)
    with database() as connection:
        deleted = deletions.delete_execution(connection, number, project_id=caller().project_id)
        return answer(render_execution(deleted))


@blueprint.endpoint(
    "PATCH",
    "/<execution_id>",
    scope="execution:update",
    body=UpdateBody(),
    answer=ExecutionSchema,
    errors=[404],
    example={"annotation": {"tags": ["tag_production", "tag_urgent"], "vote": "up"}},
)
def update_execution(body: dict[str, Any], execution_id: str) -> Response:
    """Tag an execution, vote on it or write a note about it."""
    number, annotation = require_execution_id(execution_id), body.get("annotation", {})
    with database() as connection:
        annotations.lock_execution(connection, number, project_id=caller().project_id)
        if "vote" in annotation:
            annotations.set_vote(connection, number, annotation["vote"])
        if "note" in annotation:
            annotations.set_note(connection, number, annotation["note"])
        if "tags" in annotation:
            annotations.set_tags(connection, number, annotation["tags"])
        return answer(render_current(connection, number))


@blueprint.endpoint(
    "GET", "/<execution_id>/tags", scope="executionTags:list", answer=TagSchema(many=True), errors=[404]
)
@from_primary_after_all
def get_execution_tags(execution_id: str) -> Response:
    """The tags of an execution."""
    with reading() as connection:
        return tags_answer(connection, require_execution_id(execution_id))


@blueprint.endpoint(
    "PUT",
    "/<execution_id>/tags",
    scope="executionTags:update",
    body=TagIdBody(many=True),
    answer=TagSchema(many=True),
    errors=[404],
    example=[{"id": "tag_production"}],
)
def update_execution_tags(body: list[dict[str, Any]], execution_id: str) -> Response:
    """Give an execution exactly these tags, all of which must exist."""
    number, wanted = require_execution_id(execution_id), [entry["id"] for entry in body]
    with database() as connection:
        annotations.lock_execution(connection, number, project_id=caller().project_id)
        tags.require_tags(connection, wanted)
        annotations.set_tags(connection, number, wanted)
        return tags_answer(connection, number)


def tags_answer(connection: Connection, number: int) -> Response:
    """The tags of an execution as the answer."""
    execution = get_execution(connection, number, project_id=caller().project_id)
    carried = tags.get_tags(connection, [tag.id for tag in execution.tags])
    return answer([render_tag(tag) for tag in carried])


LIST_QUERY = ExecutionListQuery()
