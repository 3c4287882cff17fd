"""Tags, which executions and workflows of all projects can carry."""

from typing import Any

from flask import Response

from app.api.face.answers import answer, page_answer
from app.api.face.auth import require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_id
from app.api.face.services import database
from app.api.rendering import render_tag
from app.notation import new_id
from app.repository import tags
from app.repository.errors import TagNotFound
from app.schemas.pages import POSSIBLE_ID, PageQuery
from app.schemas.tags import NameBody, TagPageSchema, TagSchema

blueprint = Blueprint("tags", __name__, url_prefix="/api/v1/tags", description="Names that others carry.")


def require_tag_id(tag_id: str) -> str:
    """The id in a path, which may be any text without a slash. Raises TagNotFound."""
    return require_id(tag_id, TagNotFound, POSSIBLE_ID)


@blueprint.endpoint("GET", "", scope="tag:list", query=PageQuery, answer=TagPageSchema)
def get_many_tags(query: dict[str, Any]) -> Response:
    """List tags in the order of their ids."""
    with database() as connection:
        rows = tags.list_tags(connection, **LIST_QUERY.bounds(query))
    return page_answer(LIST_QUERY, query, rows, render_tag)


@blueprint.endpoint(
    "POST",
    "",
    scope="tag:create",
    body=NameBody(),
    answer=TagSchema,
    status=201,
    errors=[409],
    example={"name": "production"},
)
def create_tag(body: dict[str, Any]) -> Response:
    """Make a tag."""
    with database() as connection:
        return answer(render_tag(tags.create_tag(connection, new_id(), body["name"])), 201)


@blueprint.endpoint("GET", "/<tag_id>", scope="tag:read", answer=TagSchema, errors=[404])
def get_one_tag(tag_id: str) -> Response:
    """Read a tag."""
    with database() as connection:
        return answer(render_tag(tags.get_tag(connection, require_tag_id(tag_id))))


@blueprint.endpoint(
    "PUT",
    "/<tag_id>",
    scope="tag:update",
    body=NameBody(),
    answer=TagSchema,
    errors=[404, 409],
    example={"name": "production"},
)
def update_tag(body: dict[str, Any], tag_id: str) -> Response:
    """Rename a tag; not with a key that is limited to a project."""
    require_all_projects()
    with database() as connection:
        return answer(render_tag(tags.rename_tag(connection, require_tag_id(tag_id), body["name"])))


@blueprint.endpoint("DELETE", "/<tag_id>", scope="tag:delete", answer=TagSchema, errors=[404])
def delete_tag(tag_id: str) -> Response:
    """Delete a tag, which all lose that carry it; not with a key that is limited to a project."""
    require_all_projects()
    with database() as connection:
        return answer(render_tag(tags.delete_tag(connection, require_tag_id(tag_id))))


LIST_QUERY = PageQuery()
