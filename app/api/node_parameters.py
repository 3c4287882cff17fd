"""What forms ask of node types of packages: the options of a parameter, lists to search in, the fields of a table.

Bodies and answers are those of n8n's `/rest/dynamic-node-parameters`. A worker that has the package answers.
"""

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response
from marshmallow import Schema

from app.api.face.answers import answer
from app.api.face.auth import caller, chosen_project
from app.api.face.blueprint import Blueprint, View
from app.api.face.errors import Refused
from app.api.face.services import services
from app.packages.form_questions import NobodyAnswers, NodeRefused, NotOffered, TooManyQuestions
from app.repository.projects import DEFAULT_PROJECT
from app.schemas.node_parameters import (
    ChoicesSchema,
    ListQuestion,
    NodeParameterQuestion,
)

blueprint = Blueprint(
    "node_parameters",
    __name__,
    url_prefix="/api/v1/dynamic-node-parameters",
    description="What forms offer for the parameters of packages' nodes.",
)
EXAMPLE = {
    "nodeTypeAndVersion": {"name": "n8n-nodes-example.example", "version": 1},
    "path": "parameters.list",
    "methodName": "getLists",
    "currentNodeParameters": {},
    "credentials": {"exampleApi": {"id": "R2DjclaysHbqn778", "name": "Example"}},
}


def question(path: str, body: Schema, example: dict[str, Any]) -> Callable[[View], View]:
    """An endpoint at which a form asks; the three differ in what they ask for."""
    return blueprint.endpoint(
        "POST",
        path,
        scope="workflow:update",
        body=body,
        answer=ChoicesSchema,
        errors=[404, 409],
        example=example,
    )


@question("/options", NodeParameterQuestion(), EXAMPLE)
def load_options(body: dict[str, Any]) -> Response:
    """The options of a parameter (`loadOptionsMethod`, or the request in `loadOptions` of its description)."""
    return answer_question("options", body)


@question("/resource-locator-results", ListQuestion(), {**EXAMPLE, "methodName": "searchLists", "filter": "Orders"})
def search_list(body: dict[str, Any]) -> Response:
    """A page of the list that a resource locator searches in (`searchListMethod`): `results`, `paginationToken`."""
    return answer_question("resource-locator-results", body)


@question(
    "/resource-mapper-fields",
    NodeParameterQuestion(),
    {**EXAMPLE, "path": "parameters.columns", "methodName": "getColumns"},
)
def get_mapper_fields(body: dict[str, Any]) -> Response:
    """The fields that a resource mapper maps (`resourceMapperMethod`): `fields`."""
    return answer_question("resource-mapper-fields", body)


def answer_question(kind: str, body: dict[str, Any]) -> Response:
    """What a worker says. Raises Refused."""
    asked, project = body["node_type_and_version"], chosen_project(body.get("project_id")) or DEFAULT_PROJECT
    question = {
        "kind": kind,
        "version": asked["version"],
        "method": body["method_name"],
        "path": body["path"],
        "filter": body.get("filter"),
        "paginationToken": body.get("pagination_token"),
        "parameters": body["current_node_parameters"],
        "credentials": body["credentials"],
    }
    try:
        found = services().node_choices.find(project, asked["name"], question, caller().id)
    except TooManyQuestions:
        raise Refused(503, "Too many forms ask something at the moment", {"Retry-After": "2"}) from None
    except NobodyAnswers as error:
        raise Refused(503, str(error), {"Retry-After": "5"}) from None
    except NotOffered as error:
        raise Refused(400, str(error)) from None
    except NodeRefused as error:
        raise Refused(409, str(error)) from None
    return answer({"data": orjson.loads(found)})
