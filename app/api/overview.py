"""What goes on behind the executions: workers, queue, schedules, webhooks, sizes, keys, and what the doctor says."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

import orjson
from flask import Response, current_app

from app.api.face.answers import answer, page_answer
from app.api.face.auth import caller, require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.long_calls import place_of
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.notation import time_text
from app.repository import overview
from app.repository.api_keys import ApiKey, page_of_api_keys
from app.repository.execution_counts import queue_state
from app.repository.execution_stats import read_names
from app.repository.overview import NextStart, SchedulePlace, WebhookAddress, WebhookPlace, WorkerState
from app.schemas.overview import (
    ApiKeyPageSchema,
    ExaminationSchema,
    QueueSchema,
    ScheduleListQuery,
    SchedulePageSchema,
    StorageSchema,
    WebhookListQuery,
    WebhookPageSchema,
    WorkerListSchema,
)
from app.schemas.pages import NumberPageQuery
from app.triggers.addresses import path_of

blueprint = Blueprint("overview", __name__, url_prefix="/api/v1", description="What goes on behind the executions.")

EXAMINATION = "examination"
"""The name of what looks the deployment over, in the app's extensions; the composition of the app puts it there."""
SCHEDULES, WEBHOOKS, NUMBERS = ScheduleListQuery(), WebhookListQuery(), NumberPageQuery()


class Finding(Protocol):
    """One thing that was looked at; `advice` says what to do, None when it is well."""

    @property
    def subject(self) -> str:
        """What was looked at, in a few words."""

    @property
    def state(self) -> str:
        """How it is."""

    @property
    def advice(self) -> str | None:
        """What to do; None when it is well."""


@blueprint.endpoint("GET", "/workers", scope="execution:list", answer=WorkerListSchema)
@from_primary_after_all
def get_workers() -> Response:
    """List the workers that are there, the newest first; not with a key that is limited to a project."""
    require_all_projects()
    with reading() as connection:
        workers = overview.list_workers(connection, lease_seconds=services().settings.lease_seconds)
    return answer({"data": [render_worker(worker) for worker in workers]})


def render_worker(worker: WorkerState) -> dict[str, Any]:
    """The worker object."""
    return {
        "id": str(worker.id),
        "hostname": worker.hostname,
        "pid": worker.pid,
        "slots": worker.slots,
        "running": worker.running,
        "alive": worker.alive,
        "startedAt": time_text(worker.started_at),
        "heartbeatAt": time_text(worker.heartbeat_at),
    }


@blueprint.endpoint("GET", "/queue", scope="execution:list", answer=QueueSchema)
@from_primary_after_all
def get_queue() -> Response:
    """What is queued, runs and waits, and which workflows have the longest queues."""
    visible = caller().project_id
    with reading() as connection:
        state = queue_state(connection, project_id=visible)
        queue = overview.read_queue(connection, project_id=visible)
        names = read_names(connection, [each.workflow_id for each in queue], project_id=visible)
    workflows = [
        {
            "workflowId": each.workflow_id,
            "workflowName": names.get(each.workflow_id),
            "queued": each.queued,
            "oldestAt": time_text(each.oldest_at),
        }
        for each in queue
    ]
    return answer(
        {
            "queued": state.queued,
            "running": state.running,
            "waiting": state.waiting,
            "oldestQueuedSeconds": max(state.oldest_queued_seconds, 0.0),
            "workflows": workflows,
        }
    )


@blueprint.endpoint("GET", "/schedules", scope="workflow:list", query=ScheduleListQuery, answer=SchedulePageSchema)
@from_primary_after_all
def get_schedules(query: dict[str, Any]) -> Response:
    """List when active workflows start by themselves, the soonest first."""
    after = SchedulePlace(*query["last_id"] or ())
    with reading() as connection:
        rows = overview.list_next_starts(
            connection, project_id=caller().project_id, limit=query["limit"] + 1, after=after
        )
    page, cursor = SCHEDULES.cut_by_place(query, rows, place_of_schedule)
    return answer({"data": [render_schedule(start) for start in page], "nextCursor": cursor})


def place_of_schedule(start: NextStart) -> str:
    """Its place in the list, as a text."""
    place = start.place
    return place_text(str(place.next_at), place.workflow_id, place.node, place.rule_index)


def render_schedule(start: NextStart) -> dict[str, Any]:
    """The object of a schedule."""
    return {
        "workflowId": start.workflow_id,
        "workflowName": start.workflow_name,
        "node": start.node,
        "rule": start.rule_index,
        "nextAt": time_text(start.next_at),
        "lastAt": start.last_at and time_text(start.last_at),
    }


@blueprint.endpoint("GET", "/webhooks", scope="workflow:read", query=WebhookListQuery, answer=WebhookPageSchema)
@from_primary_after_all
def get_webhooks(query: dict[str, Any]) -> Response:
    """List where active workflows can be called, by method and path."""
    after = WebhookPlace(*query["last_id"] or ())
    with reading() as connection:
        rows = overview.list_webhooks(connection, project_id=caller().project_id, limit=query["limit"] + 1, after=after)
    page, cursor = WEBHOOKS.cut_by_place(query, rows, place_of_webhook)
    return answer({"data": [render_webhook(hook) for hook in page], "nextCursor": cursor})


def place_of_webhook(hook: WebhookAddress) -> str:
    """Its place in the list, as a text."""
    return place_text(hook.place.method, hook.place.pattern, hook.place.webhook_id)


def render_webhook(hook: WebhookAddress) -> dict[str, Any]:
    """The object of an address."""
    return {
        "workflowId": hook.workflow_id,
        "workflowName": hook.workflow_name,
        "node": hook.node,
        "method": hook.method,
        "path": hook.path,
        "url": f"{services().settings.webhook_url}{path_of(hook)}",
    }


def place_text(*parts: Any) -> str:
    """A place as it stands in a cursor."""
    return orjson.dumps(parts).decode()


@blueprint.endpoint("GET", "/storage", scope="execution:list", answer=StorageSchema)
@from_primary_after_all
def get_storage() -> Response:
    """How large the database and its tables are; not with a key that is limited to a project."""
    require_all_projects()
    with reading() as connection:
        size = overview.database_bytes(connection)
        tables = overview.largest_tables(connection)
    rendered = [{"name": table.name, "rows": table.rows, "sizeBytes": table.bytes} for table in tables]
    return answer({"sizeBytes": size, "tables": rendered})


@blueprint.endpoint("GET", "/api-keys", scope="securityAudit:generate", query=NumberPageQuery, answer=ApiKeyPageSchema)
@from_primary_after_all
def get_api_keys(query: dict[str, Any]) -> Response:
    """List the API keys that are not revoked, and what each may; not with a key that is limited to a project."""
    require_all_projects()
    with reading() as connection:
        rows = page_of_api_keys(connection, limit=query["limit"] + 1, after=query["last_id"] or 0)
    return page_answer(NUMBERS, query, rows, render_api_key)


def render_api_key(key: ApiKey) -> dict[str, Any]:
    """The object of a key."""
    return {
        "id": str(key.id),
        "label": key.label,
        "scopes": list(key.scopes),
        "projectId": key.project_id,
        "userId": key.user_id and str(key.user_id),
        "createdAt": time_text(key.created_at),
        "expiresAt": key.expires_at and time_text(key.expires_at),
        "lastUsedAt": key.last_used_at and time_text(key.last_used_at),
    }


@blueprint.endpoint("GET", "/doctor", scope="securityAudit:generate", answer=ExaminationSchema)
def get_examination() -> Response:
    """Look the deployment over, as `flask doctor` does; not with a key that is limited to a project."""
    answers = [{"subject": each.subject, "state": each.state, "advice": each.advice} for each in examine()]
    return answer({"healthy": not any(each["advice"] for each in answers), "findings": answers})


def examine() -> list[Finding]:
    """What `flask doctor` says. Raises Refused."""
    require_all_projects()
    look_over = cast(Callable[[], Iterable[Finding]], current_app.extensions[EXAMINATION])
    place = services().long_calls.examinations.taken(EXAMINATION)
    with place_of(place, "The deployment is being examined already", retry_after=5):
        return list(look_over())
