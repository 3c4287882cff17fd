"""Credentials: written once, used by the nodes of workflows, never given out again."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response
from marshmallow import ValidationError

from app.api.face.answers import answer, shorten
from app.api.face.auth import caller, chosen_project
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.paths import require_id
from app.api.face.services import database, services
from app.credentials.errors import CannotDecrypt
from app.credentials.testing import CannotTest, Stored, TooManyTests
from app.credentials.tokens import FIELD, carried_over
from app.notation import new_id, time_text
from app.repository import credentials
from app.repository.connection import Connection
from app.repository.credentials import Credential
from app.repository.errors import Conflict, CredentialNotFound, CredentialTypeNotFound, ProjectNotFound
from app.repository.projects import DEFAULT_PROJECT, Project, get_projects
from app.schemas.credentials import (
    TYPE_NAME,
    CredentialBody,
    CredentialChange,
    CredentialPageSchema,
    CredentialSchema,
    CredentialTestSchema,
    CredentialTypeSchema,
    DeletedCredentialSchema,
    check_data,
)
from app.schemas.pages import PageQuery
from app.schemas.workflows import TransferBody

blueprint = Blueprint(
    "credentials", __name__, url_prefix="/api/v1/credentials", description="Secrets that nodes use, never shown."
)
CHANGED = "The credential got another type at the same moment: try it once more"
LIST_QUERY = PageQuery()
EXAMPLE = {"name": "Orders service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "..."}}


def render(credential: Credential) -> dict[str, Any]:
    """The credential object."""
    return {
        "id": credential.id,
        "name": credential.name,
        "type": credential.type,
        "projectId": credential.project_id,
        "isManaged": False,
        "isGlobal": False,
        "isResolvable": False,
        "resolvableAllowFallback": False,
        "resolverId": None,
        "createdAt": time_text(credential.created_at),
        "updatedAt": time_text(credential.updated_at),
    }


def render_listed(credential: Credential, projects: Mapping[str, Project]) -> dict[str, Any]:
    """The same with the project that it belongs to."""
    rendered = render(credential)
    owner = {"id": credential.project_id, "name": projects[credential.project_id].name, "role": "credential:owner"}
    times = {"createdAt": rendered["createdAt"], "updatedAt": rendered["createdAt"]}
    return {**rendered, "shared": [owner | times]}


def get_visible_credential(connection: Connection, credential_id: str) -> Credential:
    """The credential that a path names. Raises CredentialNotFound."""
    wanted = require_id(credential_id, CredentialNotFound)
    return credentials.get_credential(connection, wanted, project_id=caller().project_id)


@blueprint.endpoint("GET", "", scope="credential:list", query=PageQuery, answer=CredentialPageSchema)
def get_many_credentials(query: dict[str, Any]) -> Response:
    """List credentials in the order of their ids, without what they hold."""
    with database() as connection:
        rows = credentials.list_credentials(connection, **LIST_QUERY.bounds(query), project_id=caller().project_id)
        page, cursor = LIST_QUERY.cut(query, rows)
        names = get_projects(connection, {credential.project_id for credential in page})
    return answer({"data": [render_listed(credential, names) for credential in page], "nextCursor": cursor})


@blueprint.endpoint(
    "POST",
    "",
    scope="credential:create",
    body=CredentialBody(),
    answer=CredentialSchema,
    errors=[404],
    example=EXAMPLE,
)
def create_credential(body: dict[str, Any]) -> Response:
    """Store a credential. What it holds is encrypted and never given out again."""
    project = chosen_project(body.get("project_id")) or DEFAULT_PROJECT
    credential_id, kind = new_id(), body["type"]
    check_data(services().packages.credential_type(kind), body["data"])
    with database() as connection:
        made = services().vault.create(
            connection, credential_id, name=body["name"], type=kind, project_id=project, data=body["data"]
        )
    return answer(render(made))


@blueprint.endpoint(
    "GET", "/schema/<credential_type>", scope="credential:read", answer=CredentialTypeSchema, errors=[404]
)
def get_credential_schema(credential_type: str) -> Response:
    """What the data of a credential of this type has to look like."""
    if not TYPE_NAME.fullmatch(credential_type):
        raise CredentialTypeNotFound
    return answer(services().packages.credential_type(credential_type).json_schema())


@blueprint.endpoint("GET", "/<credential_id>", scope="credential:read", answer=CredentialSchema, errors=[404])
def get_one_credential(credential_id: str) -> Response:
    """Read a credential, without what it holds."""
    with database() as connection:
        credential = get_visible_credential(connection, credential_id)
    return answer(render(credential))


@blueprint.endpoint(
    "PATCH",
    "/<credential_id>",
    scope="credential:update",
    body=CredentialChange(),
    answer=CredentialSchema,
    errors=[404, 409],
    example={"name": "Orders service, new key", "data": {"name": "X-Key", "value": "..."}},
)
def update_credential(body: dict[str, Any], credential_id: str) -> Response:
    """Change the name of a credential, or what it holds."""
    with database() as connection:
        before = get_visible_credential(connection, credential_id)
    kind, data = body["type"] or before.type, body["data"]
    if kind != before.type and data is None:
        raise ValidationError({"data": ["Is needed with another type: what it holds does not fit."]})
    if data is not None:  # whoever asks for types may wait until they are known: nothing is locked meanwhile
        described = services().packages.credential_type(kind)
        identity = services().credential_types.identity(before.type)
    with database() as connection:
        credential = get_visible_credential(connection, credential_id)
        if credential.type != before.type:
            raise Conflict(CHANGED)
        if data is not None:
            if kind == credential.type:
                data = complete_data(connection, credential, data, identity, is_partial=body["is_partial_data"])
            check_data(described, data)
        changed = services().vault.update(connection, credential, name=body["name"], type=kind, data=data)
    return answer(render(changed))


def complete_data(
    connection: Connection,
    credential: Credential,
    data: dict[str, Any],
    identity: Iterable[str] | None,
    *,
    is_partial: bool,
) -> dict[str, Any]:
    """The data, with what the credential holds besides, or with its tokens alone, if those still belong to it.

    `identity`: the fields that tokens of its type belong to, as `belong_together` takes them.
    """
    try:
        held = read_held(connection, credential, lock=True)
    except Refused:
        if is_partial:
            raise
        return data  # what cannot be read is replaced
    return carried_over(held, {**held, **data} if is_partial else data, identity, named=FIELD in data)


def read_held(connection: Connection, credential: Credential, *, lock: bool = False) -> dict[str, Any]:
    """What a credential holds, which must not get into an answer. With `lock` nobody changes it meanwhile.

    Raises Refused where it cannot be decrypted, CredentialNotFound.
    """
    vault = services().vault
    read = vault.lock_in_project if lock else vault.read_in_project
    try:
        held = read(connection, credential.project_id, credential.id, credential.type)
    except (CannotDecrypt, OSError) as error:
        raise Refused(409, str(error)) from error
    if held is None:
        raise CredentialNotFound
    return held


@blueprint.endpoint(
    "POST", "/<credential_id>/test", scope="credential:read", answer=CredentialTestSchema, errors=[404, 409]
)
def test_credential(credential_id: str) -> Response:
    """Try a credential on the service that it is for."""
    with database() as connection:
        credential = get_visible_credential(connection, credential_id)
        data = read_held(connection, credential)
    try:
        stored = Stored(credential.id, credential.project_id)
        problem = services().credential_tests.problem(credential.type, data, caller().id, stored)
    except CannotTest:
        problem = "No testing function found for this credential."
    except TooManyTests:
        raise Refused(503, "Too many credentials are being tested at the moment", {"Retry-After": "2"}) from None
    if problem is not None:
        return answer({"status": "Error", "message": shorten(problem)})
    return answer({"status": "OK", "message": "Connection successful!"})


@blueprint.endpoint(
    "PUT",
    "/<credential_id>/transfer",
    scope="credential:move",
    body=TransferBody(),
    status=204,
    errors=[404],
    example={"destinationProjectId": "default"},
)
def transfer_credential(body: dict[str, Any], credential_id: str) -> Response:
    """Let a credential belong to another project that the key sees; workflows of the earlier one reach it no more."""
    own, project = caller().project_id, require_id(body["destination_project_id"], ProjectNotFound)
    with database() as connection:
        wanted = get_visible_credential(connection, credential_id)
        if own not in (None, project):
            raise ProjectNotFound
        credentials.transfer_credential(connection, wanted.id, project, project_id=own)
    return Response(status=204)


@blueprint.endpoint(
    "DELETE", "/<credential_id>", scope="credential:delete", answer=DeletedCredentialSchema, errors=[404]
)
def delete_credential(credential_id: str) -> Response:
    """Delete a credential; nodes that name it fail from now on."""
    with database() as connection:
        deleted = credentials.delete_credential(
            connection, require_id(credential_id, CredentialNotFound), project_id=caller().project_id
        )
    return answer({**render(deleted), "usageScope": "project"})
