"""The columns of a data table."""

from typing import Any

from flask import Response
from marshmallow import ValidationError

from app.api.data_tables.tables import get_visible_table, lock_visible_table
from app.api.face.answers import answer
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.services import database
from app.api.object_locks import changing
from app.data_tables import tables
from app.data_tables.errors import ReservedName
from app.notation import new_id
from app.repository import data_table_columns, data_tables
from app.repository.connection import Connection
from app.repository.data_tables import DataTable
from app.schemas.data_tables import ColumnBody, ColumnChange, ColumnSchema

blueprint = Blueprint("dataTables-columns", __name__, url_prefix="/api/v1/data-tables/<table_id>/columns")


def check_name(name: str, kind: str) -> str:
    """The name without spaces around it. Raises InvalidData, Refused."""
    try:
        tables.check_column(name.strip(), kind)
    except ReservedName as error:
        raise Refused(409, str(error)) from error
    return name.strip()


@blueprint.endpoint("GET", "", scope="dataTableColumn:read", answer=ColumnSchema(many=True), errors=[404])
def get_data_table_columns(table_id: str) -> Response:
    """List the columns of a data table in their order."""
    with database() as connection:
        table = get_visible_table(connection, table_id)
    return answer([tables.show_column(column) for column in table.columns])


@blueprint.endpoint(
    "POST",
    "",
    scope="dataTableColumn:create",
    body=ColumnBody(),
    answer=ColumnSchema,
    status=201,
    errors=[404, 409],
    example={"name": "age", "type": "number"},
)
def create_data_table_column(body: dict[str, Any], table_id: str) -> Response:
    """Add a column; its cells are empty."""
    name, column_id = check_name(body["name"], body["type"]), new_id()
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        place = min(body.get("index", len(table.columns)), len(table.columns))
        data_table_columns.add_column(connection, table, column_id, name=name, type=body["type"], place=place)
        return answer(show_changed(connection, table, column_id), 201)


@blueprint.endpoint(
    "PATCH",
    "/<column_id>",
    scope="dataTableColumn:update",
    body=ColumnChange(),
    answer=ColumnSchema,
    errors=[404, 409],
    example={"name": "years"},
)
def update_data_table_column(body: dict[str, Any], table_id: str, column_id: str) -> Response:
    """Rename a column, or move it to another place."""
    if body["name"] is None and body["index"] is None:
        raise ValidationError("Give name or index: one of them must change.")
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        column = data_table_columns.column_of(table, column_id)
        name = column.name if body["name"] is None else check_name(body["name"], column.type)
        place = column.place if body["index"] is None else body["index"]
        if place >= len(table.columns):
            raise ValidationError({"index": [f"Must be less than {len(table.columns)}, the number of columns."]})
        data_table_columns.change_column(connection, column, name=name, place=place)
        return answer(show_changed(connection, table, column_id))


@blueprint.endpoint("DELETE", "/<column_id>", scope="dataTableColumn:delete", status=204, errors=[404])
def delete_data_table_column(table_id: str, column_id: str) -> Response:
    """Delete a column with its cells."""
    with changing(table_id) as connection:
        table = lock_visible_table(connection, table_id)
        data_table_columns.delete_column(connection, data_table_columns.column_of(table, column_id))
        data_tables.touch_table(connection, table.id)
    return Response(status=204)


def show_changed(connection: Connection, table: DataTable, column_id: str) -> dict[str, Any]:
    """The column as it is now; the table has changed with it."""
    data_tables.touch_table(connection, table.id)
    return tables.show_column(data_table_columns.column_of(data_tables.get_table(connection, table.id), column_id))
