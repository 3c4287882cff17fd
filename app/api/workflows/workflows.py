"""Workflows: what can be run. Every save is a version."""

from contextlib import suppress
from typing import Any

from flask import Response, request

from app.api.face.answers import answer
from app.api.face.auth import caller, chosen_project
from app.api.face.blueprint import Blueprint
from app.api.face.services import database, reading, services
from app.api.object_locks import changing
from app.api.rendering import render_tag
from app.api.workflows import arrangements, registration
from app.api.workflows.publication import CHANGED, MAX_ATTEMPTS
from app.api.workflows.visible_workflows import get_visible_workflow, show_workflow
from app.api.workflows.workflow_pages import WorkflowPage
from app.notation import new_id
from app.repository import static_data, tags, workflows
from app.repository.connection import Connection
from app.repository.errors import Conflict
from app.repository.projects import DEFAULT_PROJECT
from app.repository.workflow_lists import WorkflowFilter, list_places
from app.schemas.execution_actions import TagIdBody
from app.schemas.node_ids import fill_ids
from app.schemas.static_data import static_parts
from app.schemas.tags import TagSchema
from app.schemas.workflow_answers import WorkflowPageSchema, WorkflowSchema
from app.schemas.workflow_saves import kept_parts
from app.schemas.workflows import (
    StrictWorkflowBody,
    WorkflowChangeQuery,
    WorkflowListQuery,
    WorkflowQuery,
    definition_of,
    document_of,
)

blueprint = Blueprint("workflows", __name__, url_prefix="/api/v1/workflows", description="What can be run.")


class ChangedMeanwhile(Exception):
    """The workflow has become active, or what a save leaves as it was has changed; nothing of the save is kept."""


EXAMPLE = {
    "name": "Customer Onboarding",
    "nodes": [
        {
            "id": "1",
            "name": "Start",
            "type": "n8n-nodes-base.manualTrigger",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {},
        },
        {
            "id": "2",
            "name": "Nothing",
            "type": "n8n-nodes-base.noOp",
            "typeVersion": 1,
            "position": [220, 0],
            "parameters": {},
        },
    ],
    "connections": {"Start": {"main": [[{"node": "Nothing", "type": "main", "index": 0}]]}},
    "settings": {"executionOrder": "v1"},
}


@blueprint.endpoint("GET", "", scope="workflow:list", query=WorkflowListQuery, answer=WorkflowPageSchema)
def get_many_workflows(query: dict[str, Any]) -> Response:
    """List workflows in the order of their ids."""
    visible, project = caller().project_id, query.get("project_id")
    if visible is not None and project not in (None, visible):
        return answer({"data": [], "nextCursor": None})
    wanted = WorkflowFilter(
        project_id=visible or project,
        active=query.get("active"),
        name=query.get("name"),
        tags=query["tags"].split(",") if "tags" in query else None,
    )
    offset = query.get("offset", 0) if query["last_id"] is None else 0
    with reading() as connection:
        found = list_places(connection, wanted, **LIST_QUERY.bounds(query), offset=offset)
        places, cursor = LIST_QUERY.cut(query, found)
        page = WorkflowPage(wanted, places, cursor, with_pin_data=not query["exclude_pinned_data"])
        return page.answer(connection)


@blueprint.endpoint(
    "POST", "", scope="workflow:create", body=StrictWorkflowBody(), answer=WorkflowSchema, errors=[404], example=EXAMPLE
)
def create_workflow(body: dict[str, Any]) -> Response:
    """Store a workflow, as n8n exports it; what the server owns (id, active, tags, ...) is ignored."""
    document = fill_ids(document_of(request.get_data()))
    services().rules.check_graph(document)
    project = chosen_project(body.get("project_id")) or DEFAULT_PROJECT
    workflow_id = new_id()
    with database() as connection:
        workflows.create_workflow(
            connection, workflow_id, project_id=project, name=body["name"], definition=definition_of(document)
        )
        static_data.replace(connection, workflow_id, static_parts(document) or {})
        return answer(show_workflow(connection, get_visible_workflow(connection, workflow_id)))


@blueprint.endpoint(
    "GET", "/<workflow_id>", scope="workflow:read", query=WorkflowQuery, answer=WorkflowSchema, errors=[404]
)
def get_one_workflow(query: dict[str, Any], workflow_id: str) -> Response:
    """Read a workflow at its current version."""
    with database() as connection:
        workflow = get_visible_workflow(connection, workflow_id)
        return answer(show_workflow(connection, workflow, with_pin_data=not query["exclude_pinned_data"]))


@blueprint.endpoint(
    "PUT",
    "/<workflow_id>",
    scope="workflow:update",
    query=WorkflowChangeQuery,
    body=StrictWorkflowBody(),
    answer=WorkflowSchema,
    errors=[404, 409],
    example=EXAMPLE,
)
def update_workflow(body: dict[str, Any], query: dict[str, Any], workflow_id: str) -> Response:
    """Save a workflow; a save that changes something is a new version.

    Settings that are not named stay, and so do staticData, pinData, nodeGroups, meta and description where they are
    left out. A setting that is null or `DEFAULT` ends. The new version of an active workflow is published at once, or
    with publishIfActive=false stays a draft.
    """
    sent = document_of(request.get_data())
    services().rules.check_graph(sent)
    for _ in range(MAX_ATTEMPTS):
        with reading() as connection:
            before = get_visible_workflow(connection, workflow_id)
        known = document_of(before.definition)
        kept = kept_parts(sent, known)
        document = fill_ids({**sent, **kept}, known)
        publish = query["publish_if_active"]
        triggers = None
        if before.active and publish:
            triggers = registration.read_triggers({**document, "id": workflow_id}, before.project_id)
        hooks = [] if triggers is None else triggers.hooks
        with suppress(ChangedMeanwhile), arrangements.place(before.project_id, hooks):
            with changing(workflow_id) as connection:
                locked = workflows.lock_definition(connection, workflow_id)
                if locked != before.definition and kept_parts(sent, document_of(locked)) != kept:
                    raise ChangedMeanwhile
                shown = save_with_triggers(connection, workflow_id, body["name"], document, triggers, publish=publish)
                saved = get_visible_workflow(connection, workflow_id)
            if saved.active:
                arrangements.create(workflow_id, saved.version_id, hooks)
            return shown
    raise Conflict(CHANGED)


def save_with_triggers(
    connection: Connection,
    workflow_id: str,
    name: str,
    document: dict[str, Any],
    triggers: registration.Triggers | None,
    *,
    publish: bool,
) -> Response:
    """Save a document whose triggers are known when it is to be published. Raises ChangedMeanwhile."""
    definition, visible = definition_of(document), caller().project_id
    workflows.save_workflow(
        connection, workflow_id, name=name, definition=definition, project_id=visible, publish=publish
    )
    if (parts := static_parts(document)) is not None:
        static_data.replace(connection, workflow_id, parts)
    # Read again under the lock that the save has taken: somebody may have activated it meanwhile.
    saved = get_visible_workflow(connection, workflow_id)
    if saved.active and publish:
        if triggers is None:
            raise ChangedMeanwhile
        registration.register(connection, workflow_id, triggers)
    return answer(show_workflow(connection, saved))


@blueprint.endpoint("DELETE", "/<workflow_id>", scope="workflow:delete", answer=WorkflowSchema, errors=[404, 409])
def delete_workflow(workflow_id: str) -> Response:
    """Delete a workflow that is not active; its executions and what they ran stay readable."""
    with database() as connection:
        shown = show_workflow(connection, get_visible_workflow(connection, workflow_id))
        workflows.delete_workflow(connection, workflow_id, project_id=caller().project_id)
    return answer(shown)


@blueprint.endpoint("GET", "/<workflow_id>/tags", scope="workflow:read", answer=TagSchema(many=True), errors=[404])
def get_workflow_tags(workflow_id: str) -> Response:
    """The tags of a workflow."""
    with database() as connection:
        return answer([render_tag(tag) for tag in get_visible_workflow(connection, workflow_id).tags])


@blueprint.endpoint(
    "PUT",
    "/<workflow_id>/tags",
    scope="workflow:update",
    body=TagIdBody(many=True),
    answer=TagSchema(many=True),
    errors=[404],
    example=[{"id": "tag_production"}],
)
def update_workflow_tags(body: list[dict[str, Any]], workflow_id: str) -> Response:
    """Give a workflow exactly these tags, all of which must exist."""
    wanted = [entry["id"] for entry in body]
    with database() as connection:
        get_visible_workflow(connection, workflow_id)
        tags.require_tags(connection, wanted)
        workflows.set_tags(connection, workflow_id, wanted)
        return answer([render_tag(tag) for tag in get_visible_workflow(connection, workflow_id).tags])


LIST_QUERY = WorkflowListQuery()
