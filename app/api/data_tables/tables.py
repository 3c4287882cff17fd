"""Data tables: made, listed, renamed, deleted."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response

from app.api.data_tables.places import place_text, read_place, with_time
from app.api.face.answers import answer
from app.api.face.auth import caller, chosen_project
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_id
from app.api.face.services import database
from app.api.object_locks import changing
from app.data_tables import tables
from app.data_tables.errors import InvalidData
from app.notation import time_text
from app.repository import data_tables
from app.repository.connection import Connection
from app.repository.data_tables import DataTable, TableFilter
from app.repository.errors import DataTableNotFound
from app.repository.keysets import Order, Place
from app.repository.projects import DEFAULT_PROJECT
from app.schemas.cursors import InvalidCursor
from app.schemas.data_tables import TableBody, TableChange, TablePageSchema, TableQuery, TableSchema

blueprint = Blueprint(
    "dataTables", __name__, url_prefix="/api/v1/data-tables", description="Tables that workflows keep rows in."
)
LIST_QUERY = TableQuery()
FILTERS = frozenset({"id", "name", "projectId"})
MAX_NAMES = 100
EXAMPLE = {"name": "Customers", "columns": [{"name": "email", "type": "string"}, {"name": "age", "type": "number"}]}


def render(table: DataTable) -> dict[str, Any]:
    """The data table object."""
    return {**tables.show_table(table), "sizeBytes": table.bytes}


def get_visible_table(connection: Connection, table_id: str) -> DataTable:
    """The table that a path names, within what the caller sees. Raises DataTableNotFound."""
    return data_tables.get_table(connection, require_id(table_id, DataTableNotFound), project_id=caller().project_id)


def lock_visible_table(connection: Connection, table_id: str) -> DataTable:
    """The same, locked until the transaction ends."""
    return data_tables.lock_table(connection, require_id(table_id, DataTableNotFound), project_id=caller().project_id)


@blueprint.endpoint("GET", "", scope="dataTable:list", query=TableQuery, answer=TablePageSchema)
def get_many_data_tables(query: dict[str, Any]) -> Response:
    """List data tables."""
    order = order_of(query.get("sort_by"))
    after = None if query["last_id"] is None else place_in(order, query["last_id"])
    with database() as connection:
        rows = data_tables.list_tables(
            connection, read_filter(query.get("filter") or {}), limit=query["limit"] + 1, order=order, after=after
        )
    page, cursor = LIST_QUERY.cut_by_place(query, rows, partial(place_of, order))
    return answer({"data": [render(table) for table in page], "nextCursor": cursor})


def read_filter(document: Mapping[str, Any]) -> TableFilter:
    """What a filter means. Raises InvalidData."""
    values = {name: [value] if isinstance(value, str) else value for name, value in document.items()}
    if not FILTERS.issuperset(values) or not all(is_texts(value) for value in values.values()):
        raise InvalidData("Invalid filter fields")
    projects = values.get("projectId") or [None]
    if len(projects) > 1:
        raise InvalidData("A filter can name one project only")
    ids = values.get("id")
    return TableFilter(
        project_id=projects[0],
        visible_project=caller().project_id,
        ids=None if ids is None else tuple(ids),
        names=tuple(values.get("name") or ()),
    )


def is_texts(value: Any) -> bool:
    """Whether it is a list of not too many texts."""
    return isinstance(value, list) and len(value) <= MAX_NAMES and all(isinstance(entry, str) for entry in value)


def order_of(text: str | None) -> Order:
    """The order that `sortBy` means."""
    key, _, way = (text or "id:asc").partition(":")
    return Order(key, way == "desc")


def place_of(order: Order, table: DataTable) -> str:
    """The place of a table in a list, as a text."""
    values = {"name": table.name.lower(), "size": table.bytes, "id": None}
    times = {"createdAt": table.created_at, "updatedAt": table.updated_at}
    value = time_text(times[order.by]) if order.by in times else values[order.by]
    return place_text(order, table.id, value)


def place_in(order: Order, text: str) -> Place:
    """The place that a text names. Raises InvalidCursor."""
    place, known = read_place(text, numbered=False)
    expected = int if order.by == "size" else str
    if not known or (order.by != "id" and type(place.value) is not expected):  # a bool is an int, too
        raise InvalidCursor
    return with_time(order, place)


@blueprint.endpoint(
    "POST",
    "",
    scope="dataTable:create",
    body=TableBody(),
    answer=TableSchema,
    status=201,
    errors=[404, 409],
    example=EXAMPLE,
)
def create_data_table(body: dict[str, Any]) -> Response:
    """Make a data table."""
    project = chosen_project(body.get("project_id")) or DEFAULT_PROJECT
    columns = [(column["name"].strip(), column["type"]) for column in body["columns"]]
    with database() as connection:
        return answer(render(tables.create(connection, project, body["name"], columns)), 201)


@blueprint.endpoint("GET", "/<table_id>", scope="dataTable:read", answer=TableSchema, errors=[404])
def get_one_data_table(table_id: str) -> Response:
    """Read what a data table is called and which columns it has."""
    with database() as connection:
        return answer(render(get_visible_table(connection, table_id)))


@blueprint.endpoint(
    "PATCH",
    "/<table_id>",
    scope="dataTable:update",
    body=TableChange(),
    answer=TableSchema,
    errors=[404, 409],
    example={"name": "Customers"},
)
def update_data_table(body: dict[str, Any], table_id: str) -> Response:
    """Rename a data table."""
    name = tables.table_name(body["name"])
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        if name != table.name:
            data_tables.rename_table(connection, table.id, name)
        return answer(render(data_tables.get_table(connection, table.id)))


@blueprint.endpoint("DELETE", "/<table_id>", scope="dataTable:delete", status=204, errors=[404])
def delete_data_table(table_id: str) -> Response:
    """Delete a data table with all its rows."""
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        data_tables.delete_table(connection, table.id)
    return Response(status=204)
