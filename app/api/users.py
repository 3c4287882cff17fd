"""Users: the owner of the instance and whom it has invited, as n8n without a licence has them."""

from typing import Any

from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import caller, require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.services import database
from app.notation import time_text
from app.repository import projects, users
from app.repository.connection import Connection
from app.repository.errors import ProjectNotFound
from app.repository.users import Sight, User
from app.schemas.base import parse_uuid
from app.schemas.users import (
    InvitationBody,
    InvitationSchema,
    UserListQuery,
    UserPageSchema,
    UserQuery,
    UserSchema,
    check_invitations,
)

blueprint = Blueprint("users", __name__, url_prefix="/api/v1/users", description="Whose keys are there.")
LIST_QUERY = UserListQuery()


def caller_sight() -> Sight:
    """Whom the caller's key sees."""
    return Sight(caller().project_id, caller().user_id)


def get_visible_user(connection: Connection, identifier: str) -> User:
    """The user that a path names by id or e-mail address. Raises UserNotFound."""
    return users.get_user(connection, caller_sight(), user_id=parse_uuid(identifier), email=identifier)


def _require_project(connection: Connection, project_id: str) -> None:
    """Raises ProjectNotFound, also for one that the caller's key does not see."""
    own = caller().project_id
    if own not in (None, project_id) or not projects.get_projects(connection, [project_id]):
        raise ProjectNotFound


def render(user: User, *, with_role: bool) -> dict[str, Any]:
    """The user object."""
    rendered = {
        "id": str(user.id),
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "createdAt": time_text(user.created_at),
        "updatedAt": time_text(user.updated_at),
        "isPending": user.pending,
        "mfaEnabled": False,
    }
    return {**rendered, "role": user.role} if with_role else rendered


@blueprint.endpoint("GET", "", scope="user:list", query=UserListQuery, answer=UserPageSchema, errors=[404])
def get_many_users(query: dict[str, Any]) -> Response:
    """List users in the order of their ids, or those of a project."""
    offset = query.get("offset", 0) if query["last_id"] is None else 0
    project_id = query.get("project_id")
    with database() as connection:
        if project_id is not None:
            _require_project(connection, project_id)
        rows = users.list_users(
            connection,
            caller_sight(),
            limit=query["limit"] + 1,
            after=query["last_id"],
            offset=offset,
            project_id=project_id,
        )
    page, cursor = LIST_QUERY.cut(query, rows)
    return answer({"data": [render(user, with_role=query["include_role"]) for user in page], "nextCursor": cursor})


@blueprint.endpoint(
    "POST",
    "",
    scope="user:create",
    body=InvitationBody(many=True),
    answer=InvitationSchema(many=True),
    status=201,
    example=[{"email": "colleague@example.com", "role": "global:member"}],
)
def invite_users(body: list[dict[str, Any]]) -> Response:
    """Invite users. Who is one already and has a key is passed over, as n8n does."""
    require_all_projects()
    check_invitations(body)
    with database() as connection:
        invited = users.invite_users(connection, [invitation["email"] for invitation in body])
    return answer([{"user": render_invited(user), "error": ""} for user in invited], 201)


def render_invited(user: User) -> dict[str, Any]:
    """A user who was invited just now, in n8n's shape."""
    return {"id": str(user.id), "email": user.email, "emailSent": False, "role": user.role, "inviteAcceptUrl": ""}


@blueprint.endpoint("GET", "/<user_id>", scope="user:read", query=UserQuery, answer=UserSchema, errors=[404])
def get_one_user(query: dict[str, Any], user_id: str) -> Response:
    """Read a user by id or e-mail address."""
    with database() as connection:
        user = get_visible_user(connection, user_id)
    return answer(render(user, with_role=query["include_role"]))


@blueprint.endpoint("DELETE", "/<user_id>", scope="user:delete", status=204, errors=[404, 409])
def delete_user(user_id: str) -> Response:
    """Delete a user with all keys; not the owner."""
    require_all_projects()
    with database() as connection:
        users.delete_user(connection, get_visible_user(connection, user_id))
    return Response(status=204)
