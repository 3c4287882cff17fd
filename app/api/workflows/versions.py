"""The versions of a workflow: what it was at each save. And its evaluations, which clients of n8n list beside them."""

from typing import Any

from flask import Response

from app.api.face.answers import answer, page_answer
from app.api.face.blueprint import Blueprint
from app.api.face.services import database
from app.api.rendering import render_version, render_version_label
from app.api.workflows.publication import require_version_id
from app.api.workflows.visible_workflows import get_visible_workflow
from app.repository import versions
from app.repository.versions import VersionSummary
from app.schemas.workflow_answers import HistoryPageSchema, TestRunPageSchema, VersionSchema
from app.schemas.workflows import HistoryQuery, TestRunQuery

blueprint = Blueprint(
    "workflows-versions", __name__, url_prefix="/api/v1/workflows", description="What they were at each save."
)
LIST_QUERY = HistoryQuery()


def render_summary(version: VersionSummary) -> dict[str, Any]:
    """A line of a history."""
    return {
        "versionId": str(version.id),
        "workflowId": version.workflow_id,
        **render_version_label(version),
    }


@blueprint.endpoint(
    "GET", "/<workflow_id>/history", scope="workflow:read", query=HistoryQuery, answer=HistoryPageSchema, errors=[404]
)
def get_workflow_history(query: dict[str, Any], workflow_id: str) -> Response:
    """List the versions of a workflow, newest first."""
    with database() as connection:
        get_visible_workflow(connection, workflow_id)
        rows = versions.list_history(connection, workflow_id, limit=query["limit"] + 1, after=query["last_id"])
    return page_answer(LIST_QUERY, query, rows, render_summary)


@blueprint.endpoint(
    "GET", "/<workflow_id>/test-runs", scope="testRun:list", query=TestRunQuery, answer=TestRunPageSchema, errors=[404]
)
def list_test_runs(query: dict[str, Any], workflow_id: str) -> Response:
    """List the evaluations of a workflow. Nothing here evaluates workflows, so there are none."""
    with database() as connection:
        get_visible_workflow(connection, workflow_id)
    return answer({"data": [], "nextCursor": None})


def show_version(workflow_id: str, version_id: str) -> Response:
    """A version of a workflow that the caller sees."""
    with database() as connection:
        get_visible_workflow(connection, workflow_id)
        version = versions.get_version(connection, workflow_id, require_version_id(version_id))
    return answer(render_version(version))


@blueprint.endpoint(
    "GET", "/<workflow_id>/versions/<version_id>", scope="workflow:read", answer=VersionSchema, errors=[404]
)
def get_workflow_version(workflow_id: str, version_id: str) -> Response:
    """Read a version of a workflow."""
    return show_version(workflow_id, version_id)


@blueprint.endpoint("GET", "/<workflow_id>/<version_id>", scope="workflow:read", answer=VersionSchema, errors=[404])
def get_one_version(workflow_id: str, version_id: str) -> Response:
    """Read a version of a workflow; the earlier path."""
    return show_version(workflow_id, version_id)
