"""The columns of data tables, added, renamed, moved and deleted."""

from app.repository.connection import Connection
from app.repository.data_tables import DataColumn, DataTable
from app.repository.errors import Conflict, DataTableColumnNotFound

MAX_COLUMNS = 200
"""How many a table may have."""

ADD_COLUMN = """
    INSERT INTO data_table_columns (id, table_id, name, type, place)
    VALUES (%(id)s, %(table_id)s, %(name)s, %(type)s, %(place)s)
"""

SHIFT_COLUMNS = """
    UPDATE data_table_columns AS c
       SET place = c.place + %(by)s, updated_at = now()
     WHERE c.table_id = %(table_id)s AND c.place >= %(first)s
"""

CHANGE_COLUMN = """
    UPDATE data_table_columns AS c
       SET name = %(name)s, place = %(place)s, updated_at = now()
     WHERE c.id = %(id)s
"""

DELETE_COLUMN = """
    DELETE FROM data_table_columns AS c
     WHERE c.id = %(id)s
"""

EMPTY_COLUMN = """
    UPDATE data_table_rows AS r
       SET cells = r.cells - %(id)s::text
     WHERE r.table_id = %(table_id)s AND r.cells ? %(id)s
"""


def add_column(connection: Connection, table: DataTable, column_id: str, *, name: str, type: str, place: int) -> None:
    """Add a column to a table that is locked; those from its place on make way.

    Raises AlreadyExists (when translated), Conflict: too many.
    """
    if len(table.columns) >= MAX_COLUMNS:
        raise Conflict(f"The table has {MAX_COLUMNS} columns already; more are not allowed")
    connection.execute(SHIFT_COLUMNS, {"table_id": table.id, "first": place, "by": 1})
    added = {"id": column_id, "table_id": table.id, "name": name, "type": type, "place": place}
    connection.execute(ADD_COLUMN, added)


def change_column(connection: Connection, column: DataColumn, *, name: str, place: int) -> None:
    """Give a column of a table that is locked another name and place. Raises AlreadyExists (when translated)."""
    if place != column.place:
        connection.execute(SHIFT_COLUMNS, {"table_id": column.table_id, "first": column.place, "by": -1})
        connection.execute(SHIFT_COLUMNS, {"table_id": column.table_id, "first": place, "by": 1})
    connection.execute(CHANGE_COLUMN, {"id": column.id, "name": name, "place": place})


def delete_column(connection: Connection, column: DataColumn) -> None:
    """Delete a column of a table that is locked, with its cells."""
    connection.execute(DELETE_COLUMN, {"id": column.id})
    connection.execute(SHIFT_COLUMNS, {"table_id": column.table_id, "first": column.place, "by": -1})
    connection.execute(EMPTY_COLUMN, {"table_id": column.table_id, "id": column.id})


def column_of(table: DataTable, column_id: str) -> DataColumn:
    """The column with this id. Raises DataTableColumnNotFound."""
    for column in table.columns:
        if column.id == column_id:
            return column
    raise DataTableColumnNotFound
