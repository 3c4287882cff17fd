"""Data tables that come in from another program, with the ids of their columns and rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from app.repository.connection import Connection, scalar

ADD_TABLE = """
    INSERT INTO data_tables (id, project_id, name, created_at, updated_at)
    VALUES (%(id)s, %(project_id)s, %(name)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT DO NOTHING
"""

IS_HERE = """
    SELECT EXISTS (SELECT FROM data_tables AS t WHERE t.id = %(id)s)
"""

ADD_COLUMN = """
    INSERT INTO data_table_columns (id, table_id, name, type, place)
    VALUES (%(id)s, %(table_id)s, %(name)s, %(type)s, %(place)s)
    ON CONFLICT DO NOTHING
"""

COLUMN_IDS = """
    SELECT c.id
      FROM data_table_columns AS c
     WHERE c.table_id = %(table_id)s
"""

KNOWN_ROWS = """
    SELECT r.id, r.updated_at
      FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s AND r.id = ANY(%(ids)s::bigint[])
"""

COPY_ROWS = "COPY data_table_rows (table_id, id, cells, created_at, updated_at) FROM STDIN"

CHANGE_ROW = """
    UPDATE data_table_rows AS r
       SET cells = %(cells)s, updated_at = %(updated_at)s
     WHERE r.table_id = %(table_id)s AND r.id = %(id)s
"""

COUNT_ROWS = """
    SELECT count(*)
      FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s
"""

NEXT_ROW_ID = """
    UPDATE data_tables AS t
       SET last_row_id = greatest(t.last_row_id,
                                  (SELECT max(r.id) FROM data_table_rows AS r WHERE r.table_id = %(table_id)s))
     WHERE t.id = %(table_id)s
"""

ImportedRow = tuple[int, Mapping[str, Any], datetime, datetime]
"""A row: its id, its cells by the ids of their columns, when it was made and last changed."""


def add_table(
    connection: Connection, table_id: str, *, project_id: str, name: str, created_at: datetime, updated_at: datetime
) -> bool:
    """Store a table, unless there is one; returns whether the table with this id is here, and not another one of its
    name."""
    values = {
        "id": table_id,
        "project_id": project_id,
        "name": name,
        "created_at": created_at,
        "updated_at": updated_at,
    }
    connection.execute(ADD_TABLE, values)
    return bool(scalar(connection, IS_HERE, {"id": table_id}))


def add_column(connection: Connection, column_id: str, *, table_id: str, name: str, type: str, place: int) -> None:
    """Store a column of a table, unless there is one of its id or name."""
    values = {"id": column_id, "table_id": table_id, "name": name, "type": type, "place": place}
    connection.execute(ADD_COLUMN, values)


def column_ids(connection: Connection, table_id: str) -> set[str]:
    """The ids of a table's columns."""
    return {row[0] for row in connection.execute(COLUMN_IDS, {"table_id": table_id})}


def count_rows(connection: Connection, table_id: str) -> int:
    """How many rows a table has here."""
    return int(scalar(connection, COUNT_ROWS, {"table_id": table_id}))


def bring_rows(connection: Connection, table_id: str, rows: Sequence[ImportedRow]) -> None:
    """Store rows that are not here, and those that were changed there later than here."""
    ids = [row[0] for row in rows]
    known: dict[int, datetime] = dict(connection.execute(KNOWN_ROWS, {"table_id": table_id, "ids": ids}).fetchall())
    with connection.cursor() as cursor, cursor.copy(COPY_ROWS) as copy:
        for row_id, cells, created_at, updated_at in rows:
            if row_id not in known:
                copy.write_row((table_id, row_id, Jsonb(dict(cells)), created_at, updated_at))
    _change(connection, table_id, (row for row in rows if row[0] in known and known[row[0]] < row[3]))
    connection.execute(NEXT_ROW_ID, {"table_id": table_id})


def _change(connection: Connection, table_id: str, rows: Iterable[ImportedRow]) -> None:
    with connection.pipeline():
        for row_id, cells, _, updated_at in rows:
            values = {"table_id": table_id, "id": row_id, "cells": Jsonb(dict(cells)), "updated_at": updated_at}
            connection.execute(CHANGE_ROW, values)
