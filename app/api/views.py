"""Views: lists of executions that somebody has given a name."""

from typing import Any

from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_number
from app.api.face.services import database
from app.notation import time_text
from app.repository import views
from app.repository.errors import ViewNotFound
from app.repository.views import View
from app.schemas.views import ViewBody, ViewListSchema, ViewSchema

blueprint = Blueprint("views", __name__, url_prefix="/api/v1/views", description="Named lists of executions.")


def render(view: View) -> dict[str, Any]:
    """The view object."""
    return {"id": str(view.id), "name": view.name, "query": view.query, "createdAt": time_text(view.created_at)}


@blueprint.endpoint("GET", "", scope="execution:list", answer=ViewListSchema)
def get_many_views() -> Response:
    """List the views that were saved with this API key."""
    with database() as connection:
        saved = views.list_views(connection, caller().id)
    return answer({"data": [render(view) for view in saved], "nextCursor": None})


@blueprint.endpoint(
    "POST",
    "",
    scope="execution:list",
    body=ViewBody(),
    answer=ViewSchema,
    status=201,
    errors=[409],
    strict=True,
    example={"name": "Failed orders", "query": "status=error&workflowId=workflow_abc"},
)
def create_view(body: dict[str, Any]) -> Response:
    """Save a list of executions under a name, for this API key."""
    with database() as connection:
        made = views.create_view(connection, caller().id, name=body["name"], query=body["query"])
    return answer(render(made), 201)


@blueprint.endpoint("DELETE", "/<view_id>", scope="execution:list", answer=ViewSchema, errors=[404])
def delete_view(view_id: str) -> Response:
    """Delete a view, and answer with what it was."""
    number = require_number(view_id, ViewNotFound)
    with database() as connection:
        return answer(render(views.delete_view(connection, caller().id, number)))
