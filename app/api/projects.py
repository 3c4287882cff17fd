"""Projects: what workflows, executions and keys belong to. A key that is limited to one sees only that."""

from typing import Any

from flask import Response

from app.api.face.answers import answer, page_answer
from app.api.face.auth import caller, require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_id
from app.api.face.services import database
from app.api.rendering import render_project
from app.notation import new_id
from app.repository import projects
from app.repository.errors import ProjectNotFound
from app.schemas.pages import PageQuery
from app.schemas.tags import NameBody, NewProjectSchema, ProjectPageSchema

blueprint = Blueprint("projects", __name__, url_prefix="/api/v1/projects", description="What things belong to.")


@blueprint.endpoint("GET", "", scope="project:list", query=PageQuery, answer=ProjectPageSchema)
def get_many_projects(query: dict[str, Any]) -> Response:
    """List projects in the order of their ids."""
    with database() as connection:
        rows = projects.list_projects(connection, **LIST_QUERY.bounds(query), project_id=caller().project_id)
    return page_answer(LIST_QUERY, query, rows, render_project)


@blueprint.endpoint(
    "POST",
    "",
    scope="project:create",
    body=NameBody(),
    answer=NewProjectSchema,
    status=201,
    example={"name": "Marketing"},
)
def create_project(body: dict[str, Any]) -> Response:
    """Make a project."""
    require_all_projects()
    with database() as connection:
        made = projects.create_project(connection, new_id(), body["name"])
    return answer({**render_project(made), "role": "project:admin", "scopes": list(caller().scopes)}, 201)


@blueprint.endpoint(
    "PUT",
    "/<project_id>",
    scope="project:update",
    body=NameBody(),
    status=204,
    errors=[404],
    example={"name": "Marketing"},
)
def update_project(body: dict[str, Any], project_id: str) -> Response:
    """Rename a project."""
    require_all_projects()
    with database() as connection:
        projects.rename_project(connection, require_id(project_id, ProjectNotFound), body["name"])
    return Response(status=204)


@blueprint.endpoint("DELETE", "/<project_id>", scope="project:delete", status=204, errors=[404, 409])
def delete_project(project_id: str) -> Response:
    """Delete a project that holds nothing any more, and the keys that are limited to it."""
    require_all_projects()
    with database() as connection:
        projects.delete_project(connection, require_id(project_id, ProjectNotFound))
    return Response(status=204)


LIST_QUERY = PageQuery()
