"""Workflows as a caller sees them: those of its key's project, with what stands beside their rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.api.face.auth import caller
from app.api.face.paths import require_id
from app.api.rendering import render_workflow
from app.repository import projects, static_data, versions, workflows
from app.repository.connection import Connection
from app.repository.errors import WorkflowNotFound
from app.repository.workflows import Workflow


def get_visible_workflow(connection: Connection, workflow_id: str) -> Workflow:
    """The workflow that a path names. Raises WorkflowNotFound."""
    wanted = require_id(workflow_id, WorkflowNotFound)
    return workflows.get_workflow(connection, wanted, project_id=caller().project_id)


def show_workflows(
    connection: Connection, page: Sequence[Workflow], *, with_pin_data: bool = True
) -> Iterator[dict[str, Any]]:
    """Workflows rendered with what their executions have kept, and with the versions that are published of them.

    One after the other: a document takes several times as much memory as its text.
    """
    stored = static_data.read(connection, [workflow.id for workflow in page]) if page else {}
    published = versions.find_versions(connection, [each.active_version_id for each in page if each.active_version_id])
    owners = projects.get_projects(connection, {workflow.project_id for workflow in page}) if page else {}
    for workflow in page:
        yield render_workflow(
            workflow,
            stored.get(workflow.id),
            with_pin_data=with_pin_data,
            project=owners.get(workflow.project_id),
            published=published.get(workflow.active_version_id) if workflow.active_version_id else None,
        )


def show_workflow(connection: Connection, workflow: Workflow, *, with_pin_data: bool = True) -> dict[str, Any]:
    """A workflow as show_workflows shows it."""
    return next(show_workflows(connection, [workflow], with_pin_data=with_pin_data))
