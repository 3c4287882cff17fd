"""The engine room: workers, queue, triggers, deletions, sizes, and what the instance keeps for its workflows."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from flask import Response, current_app, render_template

from app.api.face.auth import caller, require_all_projects
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.console.pages import may, page, part
from app.repository.api_keys import list_api_keys
from app.repository.connection import Connection
from app.repository.credentials import list_credentials
from app.repository.execution_counts import count_running, queue_state
from app.repository.execution_stats import read_names
from app.repository.overview import (
    database_bytes,
    largest_tables,
    list_deletions,
    list_next_starts,
    list_webhooks,
    list_workers,
    read_queue,
)
from app.repository.projects import list_projects
from app.repository.tags import list_tags
from app.repository.variables import VariableFilter, list_variables

LISTED = 100
EXAMINATION = "console-examination"
"""The name of what looks the deployment over, in the app's extensions; the composition of the app puts it there."""


class Finding(Protocol):
    """One thing that was looked at; `advice` says what to do, None when it is well."""

    @property
    def subject(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def advice(self) -> str | None: ...


@page("/engine-room", scope="execution:list")
@from_primary_after_all
def engine_room() -> Response:
    """What goes on behind the executions, within what the key may see."""
    project_id = caller().project_id
    with reading() as connection:
        queue = read_queue(connection, project_id=project_id)
        values: dict[str, Any] = {
            "queue": queue,
            "names": read_names(connection, [each.workflow_id for each in queue], project_id=project_id),
            "running": count_running(connection, project_id=project_id),
            "schedules": list_next_starts(connection, project_id=project_id),
            "deletions": list_deletions(connection, project_id=project_id),
            "address": services().settings.webhook_url,
            "everywhere": project_id is None,
        }
        if project_id is None:
            values |= {
                "workers": list_workers(connection, lease_seconds=services().settings.lease_seconds),
                "state": queue_state(connection),
                "bytes": database_bytes(connection),
                "tables": largest_tables(connection),
            }
        values |= kept(connection, project_id)
    return Response(render_template("engine_room.html", **values, may_examine=may_examine()))


def kept(connection: Connection, project_id: str | None) -> dict[str, Any]:
    """What workflows use, by kind; of each kind only for keys that may list it."""
    found: dict[str, Any] = {}
    if may("workflow:read"):  # whoever knows an address can call it
        found["webhooks"] = list_webhooks(connection, project_id=project_id)
    if may("credential:list"):
        found["credentials"] = list_credentials(connection, limit=LISTED, project_id=project_id)
    if may("variable:list"):
        found["variables"] = list_variables(connection, VariableFilter(visible_project=project_id), limit=LISTED)
    if may("tag:list"):
        found["tags"] = list_tags(connection, limit=LISTED)
    if may("project:list"):
        found["projects"] = list_projects(connection, limit=LISTED, project_id=project_id)
    if project_id is None and may("securityAudit:generate"):
        found["keys"] = [key for key in list_api_keys(connection) if key.revoked_at is None][:LISTED]
    return found


def may_examine() -> bool:
    """Whether the key may see what is said of the machines."""
    return caller().project_id is None and may("securityAudit:generate")


@page("/engine-room/examination", scope="securityAudit:generate")
def examination() -> Response:
    """What `flask doctor` says."""
    require_all_projects()
    examine = cast(Callable[[], Iterable[Finding]], current_app.extensions[EXAMINATION])
    return part("parts/examination.html", findings=list(examine()))
