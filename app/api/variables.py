"""Variables: what expressions and programs read as $vars."""

from typing import Any

from flask import Response

from app.api.face.answers import answer, page_answer
from app.api.face.auth import caller, chosen_project, require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_id
from app.api.face.services import database
from app.api.rendering import render_project
from app.notation import new_id
from app.repository import variables
from app.repository.connection import Connection
from app.repository.errors import ProjectNotFound, VariableNotFound
from app.repository.variables import Variable, VariableFilter
from app.schemas.variables import (
    COMMON,
    VariableBody,
    VariableChange,
    VariablePageSchema,
    VariableQuery,
    VariableSchema,
)

blueprint = Blueprint("variables", __name__, url_prefix="/api/v1/variables", description="Texts for all workflows.")
LIST_QUERY = VariableQuery()
EXAMPLE = {"key": "region", "value": "eu-west-1"}


def render(variable: Variable) -> dict[str, Any]:
    """The variable object."""
    return {
        "id": variable.id,
        "key": variable.key,
        "value": variable.value,
        "type": variable.type,
        "project": variable.project and render_project(variable.project),
    }


@blueprint.endpoint("GET", "", scope="variable:list", query=VariableQuery, answer=VariablePageSchema)
def get_many_variables(query: dict[str, Any]) -> Response:
    """List variables in the order of their ids."""
    project, common = query.get("project_id"), query.get("project_id") == COMMON
    wanted = VariableFilter(caller().project_id, None if common else project, common, query.get("state") == "empty")
    with database() as connection:
        rows = variables.list_variables(connection, wanted, **LIST_QUERY.bounds(query))
    return page_answer(LIST_QUERY, query, rows, render)


@blueprint.endpoint(
    "POST",
    "",
    scope="variable:create",
    body=VariableBody(),
    answer=VariableSchema,
    status=201,
    errors=[404, 409],
    example=EXAMPLE,
)
def create_variable(body: dict[str, Any]) -> Response:
    """Make a variable for one project, or for all."""
    project = chosen_project(body.get("project_id"))
    with database() as connection:
        made = variables.create_variable(connection, new_id(), key=body["key"], value=body["value"], project_id=project)
    return answer(render(made), 201)


@blueprint.endpoint(
    "PUT",
    "/<variable_id>",
    scope="variable:update",
    body=VariableChange(),
    status=204,
    errors=[404, 409],
    example=EXAMPLE,
)
def update_variable(body: dict[str, Any], variable_id: str) -> Response:
    """Change a variable: its key, its value, and where it belongs to."""
    own = caller().project_id
    with database() as connection:
        variable = get_changeable_variable(connection, variable_id)
        project = body.get("project_id", variable.project and variable.project.id)
        if own is not None and project != own:
            raise ProjectNotFound
        variables.update_variable(connection, variable, key=body["key"], value=body["value"], project_id=project)
    return Response(status=204)


@blueprint.endpoint("DELETE", "/<variable_id>", scope="variable:delete", status=204, errors=[404])
def delete_variable(variable_id: str) -> Response:
    """Delete a variable; to workflows that ask for it, it is undefined from now on."""
    with database() as connection:
        variables.delete_variable(connection, get_changeable_variable(connection, variable_id).id)
    return Response(status=204)


def get_changeable_variable(connection: Connection, variable_id: str) -> Variable:
    """A variable that the caller may change: not a common one with a key that is limited to a project."""
    wanted = require_id(variable_id, VariableNotFound)
    variable = variables.get_variable(connection, wanted, visible_project=caller().project_id)
    if variable.project is None:
        require_all_projects()
    return variable
