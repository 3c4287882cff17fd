"""Which version of a workflow is published, whether it is put away, and which project it belongs to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint, View
from app.api.face.errors import Refused
from app.api.face.paths import require_id
from app.api.face.services import reading
from app.api.object_locks import changing
from app.api.workflows import arrangements, registration
from app.api.workflows.visible_workflows import get_visible_workflow, show_workflow
from app.repository import versions, workflows
from app.repository.errors import Conflict, IsArchived, ProjectNotFound, VersionNotFound
from app.schemas.base import parse_uuid
from app.schemas.workflow_answers import WorkflowSchema
from app.schemas.workflows import PublishBody, TransferBody, document_of

blueprint = Blueprint(
    "workflows-publication", __name__, url_prefix="/api/v1/workflows", description="What their triggers start."
)

MAX_ATTEMPTS = 3
CHANGED = "The workflow was changed at the same moment, again and again: try it once more"
ARCHIVED = "Cannot activate an archived workflow."
NOT_ARCHIVED = "Workflow is not archived."


def require_version_id(text: str) -> UUID:
    """The version that is named. Raises VersionNotFound for a text that no version can have as its id."""
    version_id = parse_uuid(text)
    if version_id is None:
        raise VersionNotFound
    return version_id


def publish(workflow_id: str, body: dict[str, Any]) -> Response:
    """Let the workflow's triggers start the version that the body names, or the current one."""
    wanted = require_version_id(body["version_id"]) if body.get("version_id") else None
    for _ in range(MAX_ATTEMPTS):
        with reading() as connection:
            workflow = get_visible_workflow(connection, workflow_id)
            version = versions.get_version(connection, workflow_id, wanted or workflow.version_id)
        if workflow.is_archived:
            raise IsArchived(ARCHIVED)
        document = document_of(version.definition)
        triggers = registration.read_triggers(
            {**document, "id": workflow_id, "name": version.name}, workflow.project_id
        )
        with arrangements.place(workflow.project_id, triggers.hooks):
            with changing(workflow_id) as connection:
                # Only the version whose triggers were read is published.
                if versions.publish_version(connection, workflow_id, version.id, current=wanted is None):
                    versions.describe_version(connection, version.id, body.get("name"), body.get("description"))
                    registration.register(connection, workflow_id, triggers)
                    shown = answer(show_workflow(connection, get_visible_workflow(connection, workflow_id)))
                else:
                    continue
            arrange(workflow, version.id, triggers)
            return shown
    raise Conflict(CHANGED)


def arrange(before: workflows.Workflow, version_id: UUID, triggers: registration.Triggers) -> None:
    """Have the providers of its triggers call a workflow that is active now; it is as `before` where one refuses.

    Raises Refused with what that one has said.
    """
    try:
        arrangements.create(before.id, version_id, triggers.hooks)
    except Refused:
        if not before.active:
            unpublish(before.id)
        raise


def unpublish(workflow_id: str) -> Response:
    """Let the workflow's triggers start nothing any more."""
    with changing(workflow_id) as connection:
        get_visible_workflow(connection, workflow_id)
        workflows.set_active(connection, workflow_id, False, project_id=caller().project_id)
        registration.unregister(connection, workflow_id)
        return answer(show_workflow(connection, get_visible_workflow(connection, workflow_id)))


def publishing(name: str, example: dict[str, str]) -> Callable[[View], View]:
    """An endpoint that publishes a version, under this name."""
    return blueprint.endpoint(
        "POST",
        f"/<workflow_id>/{name}",
        scope="workflow:activate",
        body=PublishBody(),
        body_required=False,
        answer=WorkflowSchema,
        errors=[404, 409],
        example=example,
    )


@publishing("activate", {"versionId": "2927badf-cb1f-4e6a-99ef-e6ad1e804164"})
def activate_workflow(body: dict[str, Any], workflow_id: str) -> Response:
    """Let the workflow's triggers start executions; the earlier name of publish."""
    return publish(workflow_id, body)


@publishing("publish", {"name": "Second edition"})
def publish_workflow(body: dict[str, Any], workflow_id: str) -> Response:
    """Let the workflow's triggers start a version, by default the current one; 400 when it cannot run."""
    return publish(workflow_id, body)


@blueprint.endpoint("POST", "/<workflow_id>/deactivate", scope="workflow:activate", answer=WorkflowSchema, errors=[404])
def deactivate_workflow(workflow_id: str) -> Response:
    """Let the workflow's triggers start nothing any more; the earlier name of unpublish."""
    return unpublish(workflow_id)


@blueprint.endpoint("POST", "/<workflow_id>/unpublish", scope="workflow:activate", answer=WorkflowSchema, errors=[404])
def unpublish_workflow(workflow_id: str) -> Response:
    """Let the workflow's triggers start nothing any more."""
    return unpublish(workflow_id)


@blueprint.endpoint("POST", "/<workflow_id>/archive", scope="workflow:delete", answer=WorkflowSchema, errors=[404])
def archive_workflow(workflow_id: str) -> Response:
    """Put a workflow away: it is active no more and cannot be changed, activated or run until it is taken out."""
    with changing(workflow_id) as connection:
        get_visible_workflow(connection, workflow_id)
        if versions.set_archived(connection, workflow_id, True):
            registration.unregister(connection, workflow_id)
        return answer(show_workflow(connection, get_visible_workflow(connection, workflow_id)))


@blueprint.endpoint("POST", "/<workflow_id>/unarchive", scope="workflow:delete", answer=WorkflowSchema, errors=[404])
def unarchive_workflow(workflow_id: str) -> Response:
    """Take an archived workflow out again."""
    with changing(workflow_id) as connection:
        get_visible_workflow(connection, workflow_id)
        if not versions.set_archived(connection, workflow_id, False):
            raise IsArchived(NOT_ARCHIVED)
        return answer(show_workflow(connection, get_visible_workflow(connection, workflow_id)))


@blueprint.endpoint(
    "PUT",
    "/<workflow_id>/transfer",
    scope="workflow:move",
    body=TransferBody(),
    status=204,
    errors=[404],
    example={"destinationProjectId": "default"},
)
def transfer_workflow(body: dict[str, Any], workflow_id: str) -> Response:
    """Let a workflow belong to another project that the key sees; its executions so far stay in the earlier one."""
    project = require_id(body["destination_project_id"], ProjectNotFound)
    with changing(workflow_id) as connection:
        get_visible_workflow(connection, workflow_id)
        if caller().project_id not in (None, project):
            raise ProjectNotFound
        versions.transfer_workflow(connection, workflow_id, project)
    return Response(status=204)
