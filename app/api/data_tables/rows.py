"""The rows of a data table."""

from functools import partial
from typing import Any

from flask import Response

from app.api.data_tables.places import place_text, read_place, with_time
from app.api.data_tables.tables import get_visible_table, lock_visible_table
from app.api.face.answers import answer
from app.api.face.blueprint import Blueprint
from app.api.face.services import database, services
from app.api.object_locks import changing
from app.data_tables import tables
from app.data_tables.errors import InvalidData, Mismatch
from app.data_tables.filters import row_filter, with_search
from app.repository import data_table_rows
from app.repository.connection import Connection
from app.repository.data_table_conditions import RowFilter
from app.repository.data_table_rows import DataRow
from app.repository.data_tables import DataTable
from app.repository.keysets import Order, Place
from app.schemas.data_tables import (
    ClearedSchema,
    RowChange,
    RowDeletionQuery,
    RowPageSchema,
    RowQuery,
    RowsBody,
)
from app.vocabulary import SYSTEM_COLUMNS

blueprint = Blueprint("dataTables-rows", __name__, url_prefix="/api/v1/data-tables/<table_id>/rows")
LIST_QUERY = RowQuery()
MAX_RETURNED = 10_000
"""Rows that a change can answer with."""
CHANGE = {
    "filter": {"type": "and", "filters": [{"columnName": "email", "condition": "eq", "value": "ada@example.com"}]},
    "data": {"age": 36},
}


@blueprint.endpoint("GET", "", scope="dataTableRow:read", query=RowQuery, answer=RowPageSchema, errors=[404])
def get_data_table_rows(query: dict[str, Any], table_id: str) -> Response:
    """List rows of a data table."""
    with database() as connection:
        table = get_visible_table(connection, table_id)
        order = order_of(table, query.get("sort_by"))
        wanted = with_search(table, query.get("search") or "", row_filter(table, query.get("filter") or {}))
        after = None if query["last_id"] is None else place_in(connection, table, order, query["last_id"])
        rows = data_table_rows.list_rows(
            connection, table.id, wanted, limit=query["limit"] + 1, order=order, after=after
        )
    page, cursor = LIST_QUERY.cut_by_place(query, rows, partial(place_of, order))
    return answer({"data": tables.show_rows(table, page), "nextCursor": cursor})


def order_of(table: DataTable, text: str | None) -> Order:
    """The order that `sortBy` means. Raises InvalidData."""
    if text is None:
        return Order("id")
    name, colon, way = text.partition(":")
    if not colon:
        raise InvalidData("Invalid sort format, expected <columnName>:<asc/desc>")
    if way.lower() not in ("asc", "desc"):
        raise InvalidData("Invalid sort direction")
    columns = {column.name: column.id for column in table.columns} | {each: each for each in SYSTEM_COLUMNS}
    if name not in columns:
        raise Mismatch(f"unknown column name '{name[:100]}'")
    return Order(columns[name], way.lower() == "desc")


def place_of(order: Order, row: DataRow) -> str:
    """The place of a row in a list, as a text."""
    return place_text(order, row.id, value_in(order, row))


def value_in(order: Order, row: DataRow) -> Any:
    """What a row is sorted by; times as they are."""
    times = {"createdAt": row.created_at, "updatedAt": row.updated_at}
    return times[order.by] if order.by in times else row.cells.get(order.by)


def place_in(connection: Connection, table: DataTable, order: Order, text: str) -> Place:
    """The place that a text names. Raises InvalidCursor, and InvalidData where the row was needed and is gone."""
    place, known = read_place(text, numbered=True)
    if not known:
        row = data_table_rows.get_row(connection, table.id, place.id)
        if row is None:
            raise InvalidData("The row that the cursor names is gone: start the list again")
        return Place(row.id, value_in(order, row))
    return with_time(order, place)


@blueprint.endpoint(
    "POST",
    "",
    scope="dataTableRow:create",
    body=RowsBody(),
    errors=[404],
    example={"data": [{"email": "ada@example.com", "age": 36}], "returnType": "id"},
)
def create_data_table_rows(body: dict[str, Any], table_id: str) -> Response:
    """Add rows, all or none of them."""
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        rows = tables.insert(connection, table, body["data"], most_bytes=most_bytes())
    if body["return_type"] == "count":
        return answer({"success": True, "insertedRows": len(rows)})
    if body["return_type"] == "id":
        return answer([{"id": row.id} for row in rows])
    return answer(tables.show_rows(table, rows))


@blueprint.endpoint("PATCH", "/update", scope="dataTableRow:update", body=RowChange(), errors=[404], example=CHANGE)
def update_data_table_rows(body: dict[str, Any], table_id: str) -> Response:
    """Change the rows that a filter means. The answer is true, or with `returnData` the rows."""
    return change_rows(body, table_id, tables.update, tables.try_update)


@blueprint.endpoint("POST", "/upsert", scope="dataTableRow:upsert", body=RowChange(), errors=[404], example=CHANGE)
def upsert_data_table_row(body: dict[str, Any], table_id: str) -> Response:
    """Change the rows that a filter means, or add one where there is none. The answer is as that of a change."""
    return change_rows(body, table_id, tables.upsert, tables.try_upsert)


def change_rows(
    body: dict[str, Any], table_id: str, change: tables.MakeChange, try_change: tables.TryChange
) -> Response:
    """Change rows, or with `dryRun` only say what would change."""
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        wanted = change_filter(table, body["filter"])
        if body["dry_run"]:
            return answer(try_change(connection, table, tables.Change(wanted, body["data"], MAX_RETURNED)))
        asked = tables.Change(wanted, body["data"], most_returned(body["return_data"]))
        rows = change(connection, table, asked, most_bytes())
    return answer(tables.show_rows(table, rows) if body["return_data"] else True)


@blueprint.endpoint("DELETE", "/delete", scope="dataTableRow:delete", query=RowDeletionQuery, errors=[404])
def delete_data_table_rows(query: dict[str, Any], table_id: str) -> Response:
    """Delete the rows that a filter means. The answer is true, or with `returnData` the rows."""
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        wanted = row_filter(table, query["filter"])
        if query["dry_run"]:
            return answer(tables.try_delete(connection, table, wanted, most_rows=MAX_RETURNED))
        rows = tables.delete(connection, table, wanted, most_rows=most_returned(query["return_data"]))
    return answer(tables.show_rows(table, rows) if query["return_data"] else True)


@blueprint.endpoint("DELETE", "/clear", scope="dataTableRow:delete", answer=ClearedSchema, errors=[404])
def clear_data_table_rows(table_id: str) -> Response:
    """Delete all rows."""
    with changing(table_id) as connection:
        return answer({"deletedCount": tables.clear(connection, lock_visible_table(connection, table_id))})


def change_filter(table: DataTable, document: dict[str, Any]) -> RowFilter:
    """The filter of a change, which must not mean all rows by mistake. Raises InvalidData."""
    wanted = row_filter(table, document)
    if not wanted.conditions:
        raise Mismatch("Filter must not be empty")
    return wanted


def most_returned(wanted: bool) -> int | None:
    """How many rows an answer can hold; None: it holds none."""
    return MAX_RETURNED if wanted else None


def most_bytes() -> int:
    """How many bytes the data tables of a project may take."""
    return services().settings.data_tables_bytes
