"""Credentials: written once, used by the nodes of workflows, never given out again."""

from typing import Any

from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.services import database, services
from app.credentials.types import TYPES
from app.repository import credentials
from app.repository.credentials import Credential
from app.repository.errors import CredentialNotFound, CredentialTypeNotFound, ProjectNotFound
from app.repository.projects import DEFAULT_PROJECT
from app.schemas.base import OBJECT_ID, new_id, time_text
from app.schemas.credentials import (
    CredentialBody,
    CredentialChange,
    CredentialPageSchema,
    CredentialSchema,
    CredentialTypeSchema,
    check_data,
)
from app.schemas.pages import PageQuery

blueprint = Blueprint(
    "credentials", __name__, url_prefix="/api/v1/credentials", description="Secrets that nodes use, never shown."
)
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
        "createdAt": time_text(credential.created_at),
        "updatedAt": time_text(credential.updated_at),
    }


def validate_credential_id(credential_id: str) -> str:
    """The id in a path. Raises CredentialNotFound for one that no credential can have."""
    if not OBJECT_ID.fullmatch(credential_id):
        raise CredentialNotFound
    return credential_id


@blueprint.endpoint("GET", "", scope="credential:list", query=PageQuery, answer=CredentialPageSchema)
def get_many_credentials(query: dict[str, Any]) -> Response:
    """List credentials in the order of their ids, without what they hold."""
    with database() as connection:
        rows = credentials.list_credentials(
            connection, limit=query["limit"] + 1, after=query["last_id"] or "", project_id=caller().project_id
        )
    page, cursor = LIST_QUERY.cut(query, rows)
    return answer({"data": [render(credential) for credential in page], "nextCursor": cursor})


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
    own = caller().project_id
    project = body.get("project_id") or own or DEFAULT_PROJECT
    if own is not None and project != own:
        raise ProjectNotFound
    credential_id, kind = new_id(), body["type"]
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
    if credential_type not in TYPES:
        raise CredentialTypeNotFound
    return answer(TYPES[credential_type].json_schema())


@blueprint.endpoint("GET", "/<credential_id>", scope="credential:read", answer=CredentialSchema, errors=[404])
def get_one_credential(credential_id: str) -> Response:
    """Read a credential, without what it holds."""
    with database() as connection:
        found = credentials.get_credential(
            connection, validate_credential_id(credential_id), project_id=caller().project_id
        )
    return answer(render(found))


@blueprint.endpoint(
    "PATCH",
    "/<credential_id>",
    scope="credential:update",
    body=CredentialChange(),
    answer=CredentialSchema,
    errors=[404],
    example={"name": "Orders service, new key", "data": {"name": "X-Key", "value": "..."}},
)
def update_credential(body: dict[str, Any], credential_id: str) -> Response:
    """Change the name of a credential, or all that it holds."""
    with database() as connection:
        found = credentials.get_credential(
            connection, validate_credential_id(credential_id), project_id=caller().project_id
        )
        if body["data"] is not None:
            check_data(found.type, body["data"])
        changed = services().vault.update(connection, found, name=body["name"], data=body["data"])
    return answer(render(changed))


@blueprint.endpoint("DELETE", "/<credential_id>", scope="credential:delete", answer=CredentialSchema, errors=[404])
def delete_credential(credential_id: str) -> Response:
    """Delete a credential; nodes that name it fail from now on."""
    with database() as connection:
        deleted = credentials.delete_credential(
            connection, validate_credential_id(credential_id), project_id=caller().project_id
        )
    return answer(render(deleted))
