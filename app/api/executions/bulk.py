"""Calls that change many executions at once."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from flask import Response

from app.api.executions.filters import filter_of_body
from app.api.executions.restarts import check_many, restart_of
from app.api.face import idempotency
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.services import database, services
from app.api.rendering import render_retry_answer
from app.repository import annotations, bulk_calls, deletion_jobs, deletions, lifecycle, retries, retry_jobs
from app.repository.connection import Connection
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import get_executions, list_executions
from app.repository.retries import RetryAnswer
from app.repository.retry_jobs import COUNTED_UP_TO
from app.schemas.base import parse_execution_id
from app.schemas.cursors import Cursor, InvalidCursor, decode_cursor, encode_cursor
from app.schemas.execution_actions import (
    MAX_AT_ONCE,
    DeleteBody,
    RetryManyBody,
    StopFilter,
    StopManyBody,
    TagManyBody,
    possible_ids,
)
from app.schemas.execution_answers import DeletedSchema, RetryManySchema, StoppedSchema, TaggedSchema
from app.schemas.pages import NumberPageQuery

blueprint = Blueprint("executions-bulk", __name__, url_prefix="/api/v1/executions", description="Many at once.")
PAGES = NumberPageQuery()


@blueprint.endpoint(
    "POST",
    "/stopMany",
    scope="execution:stop",
    body=StopManyBody(),
    answer=StoppedSchema,
    idempotent=True,
    example={"filter": {"workflowId": "all", "status": ["running", "waiting"]}},
)
def stop_many_executions(body: dict[str, Any]) -> Response:
    """Stop every execution that matches."""
    return stop_matching(body["filter"])


@blueprint.endpoint(
    "POST",
    "/stop",
    scope="execution:stop",
    body=StopFilter(),
    answer=StoppedSchema,
    idempotent=True,
    example={"workflowId": "all", "status": ["running", "waiting"]},
)
def stop_executions(body: dict[str, Any]) -> Response:
    """Stop every execution that matches; the same as stopMany, as n8n spells it."""
    return stop_matching(body)


def stop_matching(wanted: dict[str, Any]) -> Response:
    """Stop what matches, once for an idempotency key."""
    address = services().settings.webhook_url
    visible = caller().project_id
    ids = possible_ids(wanted.pop("ids")) if "ids" in wanted else None
    matching = filter_of_body(wanted, visible)
    with database() as connection:

        def act() -> dict[str, Any]:
            if ids == []:
                return {"stopped": 0}
            stopped = lifecycle.stop_many(connection, replace(matching, ids=tuple(ids or ())), address=address)
            return {"stopped": len(stopped), **note_touched(connection, stopped)}

        return idempotency.once(connection, act)


def note_touched(connection: Connection, ids: Collection[int]) -> dict[str, str]:
    """Note what a call has touched; what its answer tells of where that is listed."""
    call_id = bulk_calls.note_call(connection, ids, project_id=caller().project_id)
    return {} if call_id is None else {"touchedBy": str(call_id)}


@blueprint.endpoint(
    "POST",
    "/retryMany",
    scope="execution:retry",
    body=RetryManyBody(),
    answer=RetryManySchema,
    errors=[409],
    idempotent=True,
    example={"filter": {"status": ["error"]}, "loadWorkflow": True, "dryRun": False},
)
def retry_many_executions(body: dict[str, Any]) -> Response:
    """Retry executions that failed, newest first, and say for each what became of it.

    By conditions: those that no retry has mended yet. By `ids`: each of them, or why not. Of an execution and its
    retries, the newest alone. More than 1,000 that match a filter are retried in the background, and `job` says where
    to ask how far it is: 409 while 20 such jobs of a project are under way. A dry run tells of 1,000.
    """
    with database() as connection:

        def act() -> dict[str, Any]:
            if "ids" in body["filter"]:
                return retry_all(connection, *ids_to_retry(body["filter"]["ids"]), body)
            return retry_matching(connection, filter_of_body(body["filter"], caller().project_id), body)

        return idempotency.once(connection, act)


def retry_matching(connection: Connection, wanted: ExecutionFilter, body: dict[str, Any]) -> dict[str, Any]:
    """Retry what matches as the body says, in the background where it is much, or tell what would become of it."""
    most = COUNTED_UP_TO if body["dry_run"] else MAX_AT_ONCE
    ids = retries.find_retryable(connection, wanted, limit=most + 1)
    if len(ids) > MAX_AT_ONCE and not body["dry_run"]:
        return {"retried": 0, "results": [], **begin_retry_job(connection, wanted, body)}
    counted = body["dry_run"] and len(ids) <= COUNTED_UP_TO
    return retry_all(connection, ids[:MAX_AT_ONCE], [], body) | ({"matched": len(ids)} if counted else {})


def begin_retry_job(connection: Connection, wanted: ExecutionFilter, body: dict[str, Any]) -> dict[str, Any]:
    """Have workers retry what matches as the body says; what the answer tells of it."""
    restart = restart_of(body)
    if restart.items is not None:
        raise Refused(400, f"More than {MAX_AT_ONCE:,} match: items can be given for so many at once, and no more")
    number = retry_jobs.create_retry_job(connection, wanted, load_workflow=body["load_workflow"], restart=restart)
    job = retry_jobs.get_retry_job(connection, number)
    matched = {} if job.matched is None else {"matched": job.matched}
    return {"job": str(number), "touchedBy": str(job.touched_by), **matched}


def retry_all(
    connection: Connection, ids: list[int], impossible: Sequence[str], body: dict[str, Any]
) -> dict[str, Any]:
    """Retry these as the body says, or tell what would become of them; the answer, with those that cannot exist."""
    restart = restart_of(body)
    checked = check_many(connection, ids, restart)
    answers = {number: RetryAnswer(number, None, checked.refused.get(number)) for number in ids}
    touched = {}
    if not body["dry_run"]:
        retried = retries.retry_many(
            connection,
            [number for number in ids if number not in checked.refused],
            load_workflow=body["load_workflow"],
            restart=restart,
            beginning=checked.beginning,
            project_id=caller().project_id,
        )
        answers |= {one.id: one for one in retried}
        touched = note_touched(connection, [one.retry_id for one in retried if one.retry_id is not None])
    results = [render_retry_answer(one) for one in answers.values()]
    results += [{"id": text, "message": "Execution not found"} for text in impossible]
    return {"retried": sum("retryId" in result for result in results), "results": results, **touched}


def ids_to_retry(given: Sequence[str]) -> tuple[list[int], list[str]]:
    """The ids to retry, and those given that no execution can have."""
    possible = possible_ids(list(given))
    known = {str(number) for number in possible}
    return possible, [text for text in dict.fromkeys(given) if text not in known]


@blueprint.endpoint(
    "POST",
    "/delete",
    scope="execution:delete",
    body=DeleteBody(),
    answer=DeletedSchema,
    errors=[409],
    idempotent=True,
    example={"ids": ["1042", "1043"]},
)
def delete_executions(body: dict[str, Any]) -> Response:
    """Delete executions with their data, all that are named or none; one that runs keeps all of them.

    More than 1,000 that match a filter are deleted in the background, and `job` says where to ask how far it is: 409
    while 20 such jobs of a project are under way.
    """
    visible = caller().project_id
    if "ids" in body:
        ids = possible_ids(body["ids"])
        wanted = ExecutionFilter(ids=tuple(ids), visible_project=visible)
        nothing = not ids
    else:
        wanted, nothing = filter_of_body(body["filter"], visible), False
    with database() as connection:

        def act() -> dict[str, Any]:
            if nothing:
                return {"success": True}
            if not wanted.ids and len(list_executions(connection, wanted, limit=MAX_AT_ONCE + 1)) > MAX_AT_ONCE:
                return {"success": True, "job": str(deletion_jobs.create_deletion_job(connection, wanted))}
            deletions.delete_executions(connection, wanted)
            return {"success": True}

        return idempotency.once(connection, act)


@blueprint.endpoint(
    "POST",
    "/tagMany",
    scope="execution:update",
    body=TagManyBody(),
    answer=TaggedSchema,
    strict=True,
    example={"filter": {"status": ["error"]}, "tags": ["tag_production"]},
)
def tag_many_executions(body: dict[str, Any]) -> Response:
    """Add tags to executions, newest first, up to 1,000 in one call; with a filter, `nextCursor` goes on.

    What comes into being after the first call is not tagged.
    """
    visible = caller().project_id
    cursor = decode_cursor(body["cursor"]) if "cursor" in body else None
    place = None if cursor is None else PAGES.load_last_id(cursor.last_id)
    call_id = None if cursor is None else call_of(cursor)
    with database() as connection:
        if "ids" in body:
            page = get_executions(connection, possible_ids(body["ids"]), project_id=visible)
            is_last = True
        else:
            wanted = filter_of_body(body["filter"], visible)
            executions = list_executions(connection, wanted, limit=MAX_AT_ONCE + 1, before=place)
            page, is_last = executions[:MAX_AT_ONCE], len(executions) <= MAX_AT_ONCE
        tagged = annotations.add_tags(connection, [e.id for e in page], body["tags"])
        if call_id is None:
            call_id = bulk_calls.note_call(connection, tagged, project_id=visible)
        else:
            bulk_calls.note_touched(connection, call_id, tagged, project_id=visible)
        known = {} if call_id is None else {"touchedBy": str(call_id)}
        following = None if is_last else encode_cursor(Cursor(str(page[-1].id), MAX_AT_ONCE, known))
        return answer({"tagged": len(tagged), "nextCursor": following, **known})


def call_of(cursor: Cursor) -> int | None:
    """The call that a cursor of tagMany goes on with; None for one that was made before calls were noted.

    Raises InvalidCursor for a cursor of another list.
    """
    if not cursor.filters.keys() <= {"touchedBy"}:
        raise InvalidCursor
    told = cursor.filters.get("touchedBy")
    return parse_execution_id(told) if isinstance(told, str) else None
