"""The engine room: workers, queue, triggers, deletions, sizes, and what the instance keeps for its workflows."""

from typing import Any

from flask import Response, render_template

from app.api.face.auth import caller
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.api.overview import examine
from app.console.pages import may, page, part
from app.repository.api_keys import page_of_api_keys
from app.repository.connection import Connection
from app.repository.credentials import list_credentials
from app.repository.deletion_jobs import list_deletion_jobs
from app.repository.execution_counts import queue_state
from app.repository.execution_stats import read_names
from app.repository.node_packages import list_errors, list_packages
from app.repository.overview import (
    database_bytes,
    largest_tables,
    list_next_starts,
    list_webhooks,
    list_workers,
    read_queue,
)
from app.repository.projects import list_projects
from app.repository.retry_jobs import list_retry_jobs
from app.repository.tags import list_tags
from app.repository.variables import VariableFilter, list_variables
from app.triggers.addresses import path_of

LISTED = 100
JOBS = 10


@page("/engine-room", scope="execution:list")
@from_primary_after_all
def engine_room() -> Response:
    """What goes on behind the executions, within what the key may see."""
    project_id = caller().project_id
    lease_seconds = services().settings.lease_seconds
    with reading() as connection:
        queue = read_queue(connection, project_id=project_id)
        values: dict[str, Any] = {
            "queue": queue,
            "names": read_names(connection, [each.workflow_id for each in queue], project_id=project_id),
            "state": queue_state(connection, project_id=project_id),
            "everywhere": project_id is None,
            **under_way(connection, project_id),
        }
        if project_id is None:
            values |= {
                "workers": list_workers(connection, lease_seconds=lease_seconds),
                "bytes": database_bytes(connection),
                "tables": largest_tables(connection),
            }
        values |= list_resources(connection, project_id)
        if may("communityPackage:list"):
            values["packages"] = list_packages(connection)
            errors = list_errors(connection, lease_seconds=lease_seconds)
            values["lacking"] = {error.package: error for error in errors} if project_id is None else {}
    return Response(render_template("engine_room.html", **values, may_examine=may_examine(), path_of=path_of))


def under_way(connection: Connection, project_id: str | None) -> dict[str, Any]:
    """What goes on in the background, and was lately; of each kind only for keys that may do it."""
    figures: dict[str, Any] = {}
    if may("execution:retry"):
        figures["retries"] = list_retry_jobs(connection, project_id=project_id, limit=JOBS)
    if may("execution:delete"):
        figures["deletions"] = list_deletion_jobs(connection, project_id=project_id, limit=JOBS)
    return figures


def list_resources(connection: Connection, project_id: str | None) -> dict[str, Any]:
    """What workflows use, by kind; of each kind only for keys that may list it."""
    resources: dict[str, Any] = {}
    if may("workflow:list"):
        resources["schedules"] = list_next_starts(connection, project_id=project_id)
    if may("workflow:read"):  # whoever knows an address can call it
        resources["webhooks"] = list_webhooks(connection, project_id=project_id)
    if may("credential:list"):
        resources["credentials"] = list_credentials(connection, limit=LISTED, project_id=project_id)
    if may("variable:list"):
        resources["variables"] = list_variables(connection, VariableFilter(visible_project=project_id), limit=LISTED)
    if may("tag:list"):
        resources["tags"] = list_tags(connection, limit=LISTED)
    if may("project:list"):
        resources["projects"] = list_projects(connection, limit=LISTED, project_id=project_id)
    if project_id is None and may("securityAudit:generate"):
        resources["keys"] = page_of_api_keys(connection, limit=LISTED)
    return resources


def may_examine() -> bool:
    """Whether the key may see what is said of the machines."""
    return caller().project_id is None and may("securityAudit:generate")


@page("/engine-room/examination", scope="securityAudit:generate")
def examination() -> Response:
    """What `flask doctor` says."""
    return part("parts/examination.html", findings=examine())
