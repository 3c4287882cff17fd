"""Workflows as n8n's packages: exported with the names of what they need, imported into a project."""

from dataclasses import dataclass
from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from app.api.face.answers import answer
from app.api.face.auth import chosen_project, require_scope
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.services import database, services
from app.api.workflows.archive_tags import BoundTags, bind_tags
from app.api.workflows.exports import package_of, with_sub_workflows
from app.api.workflows.republication import PRESERVE, apply_policy
from app.notation import new_id
from app.repository import credentials, static_data, workflows
from app.repository.connection import Connection
from app.repository.credentials import Credential
from app.repository.errors import CredentialNotFound, WorkflowNotFound
from app.repository.members import require_project
from app.repository.projects import DEFAULT_PROJECT
from app.repository.workflows import Workflow
from app.schemas.archives import (
    Archive,
    ExportBody,
    ImportAnswerSchema,
    ImportForm,
    credentials_of,
    read_archive,
    read_bindings,
    with_credentials,
)
from app.schemas.base import OBJECT_ID
from app.schemas.workflows import WorkflowBody, definition_of

blueprint = Blueprint(
    "workflows-archives", __name__, url_prefix="/api/v1/n8n-packages", description="Workflows as files."
)
FORM = ImportForm()
BODY = WorkflowBody()


@blueprint.endpoint(
    "POST",
    "/export",
    scope="workflow:export",
    body=ExportBody(),
    errors=[404],
    example={"workflowIds": ["MXoWndJluwYcxmlO"]},
)
def export_workflows(body: dict[str, Any]) -> Response:
    """Export workflows as n8n's package: a gzip-compressed tar. What credentials hold stays here."""
    with database() as connection:
        workflows_by_id = with_sub_workflows(
            connection, body["workflow_ids"], body["missing_workflow_dependency_policy"]
        )
        data, counts = package_of(connection, workflows_by_id, tags=body["include_tags"])
    response = Response(data, content_type="application/gzip")
    response.headers["Content-Disposition"] = 'attachment; filename="export.n8np"'
    response.headers["X-N8n-Export-Counts"] = counts
    return response


@dataclass(frozen=True, slots=True)
class Bound:
    """What stands here for the credentials of a package, by their ids there."""

    ids: dict[str, str]
    matched: list[str]
    stubbed: list[str]

    def stubs_of(self, document: dict[str, Any]) -> bool:
        """Whether a workflow needs one that was made empty."""
        return not credentials_of(document["nodes"]).keys().isdisjoint(self.stubbed)


@blueprint.endpoint("POST", "/import", scope="workflow:import", answer=ImportAnswerSchema, errors=[404, 409, 413])
def import_workflows() -> Response:
    """Import a package, all or nothing: a form (multipart/form-data) with the file `package`.

    `workflowConflictPolicy` says what becomes of workflows that are here already: new-version, skip, or fail.
    Credentials are matched as `bindings` and `credentialMatchingMode` say; for others empty ones are made, or with
    must-preexist nothing is imported. Each answer says under `publishing` what became of the workflow's triggers.
    """
    form = FORM.load(request.form.to_dict())
    chosen = read_bindings(form.get("bindings"))
    policy = form["workflow_publishing_policy"]
    if policy != PRESERVE:
        require_scope("workflow:activate")
    file = request.files.get("package")
    if file is None:
        raise ValidationError({"package": ["Missing data for required field."]})
    archive = read_archive(file.read())
    check_bindings(chosen, archive)
    documents = [validate_document(document) for document in archive.workflows]
    project = chosen_project(form.get("project_id")) or DEFAULT_PROJECT
    with database() as connection:
        require_project(connection, project, None)
        present = [find_existing(connection, document, project) for document in documents]
        if form["workflow_conflict_policy"] == "fail" and any(present):
            raise Refused(409, "Some workflows of the package are here already", more={"issues": issues(present)})
        bound = bind(connection, archive, project, chosen, form)
        tags = bind_tags(connection, archive.tags, form)
        done = [
            store(connection, document, here, project, bound, tags, form)
            for document, here in zip(documents, present, strict=True)
        ]
    active = {here.id for here in present if here is not None and here.active}
    for one, document in zip(done, documents, strict=True):
        stubs = bound.stubs_of(document)
        one.update(apply_policy(policy, one, archive.published, stubs, active=one["localId"] in active))
    return answer(render_import(archive, done, bound, tags))


def render_import(archive: Archive, done: list[dict[str, Any]], bound: Bound, tags: BoundTags) -> dict[str, Any]:
    """What became of a package, in n8n's shape. `done`: what of each workflow, by `store`."""
    return {
        "package": archive.source,
        "workflows": done,
        "removedWorkflows": [],
        "removedFolders": [],
        "folders": [],
        "projects": [],
        "bindings": {
            "workflows": {one["sourceWorkflowId"]: one["localId"] for one in done},
            "credentials": bound.ids,
        },
        "credentials": {"matched": bound.matched, "stubbed": bound.stubbed},
        "dataTables": {"matched": 0, "created": 0},
        "variables": {"matched": [], "created": [], "stubbed": [], "updated": [], "missing": []},
        "tags": tags.told,
    }


def validate_document(document: dict[str, Any]) -> dict[str, Any]:
    """A workflow of a package that can be stored. Raises ValidationError and UnusableWorkflow."""
    BODY.load(document)
    services().rules.check_graph(document)
    identifier = document.get("id")
    if not isinstance(identifier, str) or not OBJECT_ID.fullmatch(identifier):
        raise ValidationError({"id": ["A workflow of the package has no id."]})
    return document


def find_existing(connection: Connection, document: dict[str, Any], project: str) -> Workflow | None:
    """The workflow of this project that has the id of one in a package."""
    try:
        return workflows.get_workflow(connection, document["id"], project_id=project)
    except WorkflowNotFound:
        return None


def issues(present: list[Workflow | None]) -> list[dict[str, str]]:
    """The workflows that are here already, in n8n's shape."""
    return [
        {"type": "workflow-conflict", "sourceWorkflowId": each.id, "existingWorkflowId": each.id, "name": each.name}
        for each in present
        if each is not None
    ]


def check_bindings(chosen: dict[str, str], archive: Archive) -> None:
    """Raise ValidationError where `bindings` name what is no credential of the package."""
    for identifier in chosen:
        if identifier not in archive.credentials:
            raise ValidationError({"bindings": [f"The package has no credential {identifier[:100]}."]})


def bind(connection: Connection, archive: Archive, project: str, chosen: dict[str, str], form: dict[str, Any]) -> Bound:
    """What stands here for the credentials that a package needs. Raises Refused for missing ones unless to be made."""
    bound = Bound({}, [], [])
    for identifier, wanted in archive.credentials.items():
        try:
            credential = match(connection, identifier, wanted, project, chosen, form["credential_matching_mode"])
            bound.ids[identifier] = credential.id
            bound.matched.append(identifier)
        except CredentialNotFound:
            if form["credential_missing_mode"] == "must-preexist":
                raise Refused(409, f"The credential {identifier} is not in the project") from None
            made = services().vault.create(
                connection, new_id(), name=wanted["name"], type=wanted["type"], project_id=project, data={}
            )
            bound.ids[identifier] = made.id
            bound.stubbed.append(identifier)
    return bound


def match(
    connection: Connection,
    identifier: str,
    wanted: dict[str, Any],
    project: str,
    chosen: dict[str, str],
    mode: str,
) -> Credential:
    """The credential of the project that stands for one of a package. Raises CredentialNotFound, ValidationError."""
    if identifier in chosen:
        credential = credentials.get_credential(connection, chosen[identifier], project_id=project)
        if credential.type != wanted["type"]:
            raise ValidationError({"bindings": [f"The credential {credential.id} is not of type {wanted['type']}."]})
        return credential
    if mode == "id-only":
        return credentials.get_credential(connection, identifier, project_id=project)
    name = wanted["name"] if mode == "name-and-type" else None
    return credentials.find_like(connection, project_id=project, type=wanted["type"], name=name)


def store(
    connection: Connection,
    document: dict[str, Any],
    here: Workflow | None,
    project: str,
    bound: Bound,
    tags: BoundTags,
    form: dict[str, Any],
) -> dict[str, Any]:
    """Store a workflow of a package; what is published of one that is here already stays as it is for now."""
    name, source = document["name"], document["id"]
    nodes = with_credentials(document["nodes"], bound.ids)
    parts = {key: document.get(key) for key in ("connections", "settings") if document.get(key) is not None}
    definition = definition_of({**parts, "nodes": nodes})
    if here is None:
        local, status = own_id(connection, source, form["workflow_id_policy"]), "created"
        workflows.create_workflow(connection, local, project_id=project, name=name, definition=definition)
        static_data.replace(connection, local, {})
    elif form["workflow_conflict_policy"] == "skip":
        local, status = here.id, "skipped"
    else:
        local, status = here.id, "updated"
        workflows.save_workflow(connection, local, name=name, definition=definition, publish=False)
    carried = tags.tag_ids_of(document)
    if status != "skipped" and carried:
        workflows.set_tags(connection, local, carried)
    return render_imported(workflows.get_workflow(connection, local), source, project, status)


def render_imported(workflow: Workflow, source: str, project: str, status: str) -> dict[str, Any]:
    """What is said of a workflow that has been imported; `source` is its id in the package."""
    return {
        "sourceWorkflowId": source,
        "localId": workflow.id,
        "name": workflow.name,
        "projectId": project,
        "parentFolderId": None,
        "activeVersionId": workflow.active_version_id and str(workflow.active_version_id),
        "isArchived": workflow.is_archived,
        "publishing": {"state": "unchanged"},
        "status": status,
    }


def own_id(connection: Connection, source: str, policy: str) -> str:
    """The id of a new workflow: the one of the package, unless it is taken in another project or not wanted."""
    if policy == "new":
        return new_id()
    try:
        workflows.get_workflow(connection, source)
    except WorkflowNotFound:
        return source
    return new_id()
