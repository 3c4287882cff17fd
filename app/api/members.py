"""The members of projects."""

from typing import Any

from flask import Response

from app.api.face.answers import page_answer
from app.api.face.auth import caller, require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_id
from app.api.face.services import database
from app.api.users import get_visible_user
from app.notation import time_text
from app.repository import members
from app.repository.errors import ProjectNotFound
from app.repository.members import Member
from app.schemas.pages import UuidPageQuery
from app.schemas.users import MemberPageSchema, MemberRoleBody, MembersBody

blueprint = Blueprint("projects-members", __name__, url_prefix="/api/v1/projects", description="Who belongs to them.")
LIST_QUERY = UuidPageQuery()


def render(member: Member) -> dict[str, Any]:
    """The member object."""
    return {
        "id": str(member.id),
        "email": member.email,
        "firstName": member.first_name,
        "lastName": member.last_name,
        "createdAt": time_text(member.created_at),
        "updatedAt": time_text(member.updated_at),
        "role": member.role,
    }


@blueprint.endpoint(
    "GET", "/<project_id>/users", scope="user:list", query=UuidPageQuery, answer=MemberPageSchema, errors=[404]
)
def get_project_users(query: dict[str, Any], project_id: str) -> Response:
    """List the members of a project in the order of their ids."""
    with database() as connection:
        members.require_project(connection, require_id(project_id, ProjectNotFound), caller().project_id)
        rows = members.list_members(connection, project_id, limit=query["limit"] + 1, after=query["last_id"])
    return page_answer(LIST_QUERY, query, rows, render)


@blueprint.endpoint(
    "POST",
    "/<project_id>/users",
    scope="project:manageMembers",
    body=MembersBody(),
    status=201,
    errors=[404],
    example={"relations": [{"userId": "7c9a3d52-6a4e-4a3b-9d2c-0a1b2c3d4e5f", "role": "project:viewer"}]},
)
def add_project_users(body: dict[str, Any], project_id: str) -> Response:
    """Let users be members of a project, all or none; who is one already gets the role."""
    require_all_projects()
    with database() as connection:
        members.require_project(connection, require_id(project_id, ProjectNotFound), None)
        members.add_members(connection, project_id, {each["user_id"]: each["role"] for each in body["relations"]})
    return Response(status=201)


@blueprint.endpoint(
    "PATCH",
    "/<project_id>/users/<user_id>",
    scope="project:manageMembers",
    body=MemberRoleBody(),
    status=204,
    errors=[404],
    example={"role": "project:viewer"},
)
def change_project_user(body: dict[str, Any], project_id: str, user_id: str) -> Response:
    """Give a member of a project another role."""
    require_all_projects()
    with database() as connection:
        members.require_project(connection, require_id(project_id, ProjectNotFound), None)
        user = get_visible_user(connection, user_id)
        members.change_member(connection, project_id, user.id, body["role"])
    return Response(status=204)


@blueprint.endpoint("DELETE", "/<project_id>/users/<user_id>", scope="project:manageMembers", status=204, errors=[404])
def remove_project_user(project_id: str, user_id: str) -> Response:
    """Let a user be a member of a project no more."""
    require_all_projects()
    with database() as connection:
        members.require_project(connection, require_id(project_id, ProjectNotFound), None)
        user = get_visible_user(connection, user_id)
        members.remove_member(connection, project_id, user.id)
    return Response(status=204)
