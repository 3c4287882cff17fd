"""Rows of data tables: added, found, changed and deleted by conditions on their cells.

Names of columns never get into a statement: cells are reached by the ids of their columns, as parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg import Cursor, sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb, set_json_loads

from app.repository.connection import Connection, scalar
from app.repository.data_table_conditions import KEYS, RowFilter
from app.repository.keysets import Order, Place, after_place, ordering

CHUNK = 1_000
"""How many rows a statement adds at most."""


@dataclass(frozen=True, slots=True)
class DataRow:
    """A row; `cells` are JSON values by the ids of their columns, those that are not empty."""

    id: int
    cells: dict[str, Any]
    created_at: datetime
    updated_at: datetime


LIST = sql.SQL("""
    SELECT r.id, r.cells, r.created_at, r.updated_at
      FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s AND {wanted}
     ORDER BY {order}
     LIMIT %(limit)s
""")

GET = """
    SELECT r.id, r.cells, r.created_at, r.updated_at
      FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s AND r.id = %(id)s
"""

EXISTS = sql.SQL("""
    SELECT EXISTS (SELECT FROM data_table_rows AS r WHERE r.table_id = %(table_id)s AND {wanted})
""")

TAKE_IDS = """
    UPDATE data_tables AS t
       SET last_row_id = t.last_row_id + %(number)s
     WHERE t.id = %(table_id)s
    RETURNING t.last_row_id - %(number)s
"""

INSERT = """
    INSERT INTO data_table_rows (table_id, id, cells)
    SELECT %(table_id)s, %(before)s + added.place, added.cells
      FROM jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS added (cells, place)
    RETURNING id, cells, created_at, updated_at
"""

UPDATE = sql.SQL("""
    UPDATE data_table_rows AS r
       SET cells = (r.cells - %(emptied)s::text[]) || %(filled)s::jsonb, updated_at = now()
     WHERE r.table_id = %(table_id)s AND {wanted}
    {returning}
""")

DELETE = sql.SQL("""
    DELETE FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s AND {wanted}
    {returning}
""")
RETURNING = sql.SQL("RETURNING r.id, r.cells, r.created_at, r.updated_at")
NOTHING = sql.SQL("")

COUNT = sql.SQL("""
    SELECT count(*)
      FROM (SELECT FROM data_table_rows AS r
             WHERE r.table_id = %(table_id)s AND {wanted}
             LIMIT %(most)s) AS counted
""")

CLEAR = """
    DELETE FROM data_table_rows AS r
     WHERE r.table_id = %(table_id)s
"""


def reading_cells(connection: Connection) -> Cursor[DataRow]:
    """A cursor for rows. PostgreSQL writes 1e20 with all its digits, which is no integer that JSON is written with."""
    cursor = connection.cursor(row_factory=class_row(DataRow))
    set_json_loads(orjson.loads, cursor)
    return cursor


def list_rows(
    connection: Connection,
    table_id: str,
    wanted: RowFilter,
    *,
    limit: int | None,
    order: Order | None = None,
    after: Place | None = None,
) -> list[DataRow]:
    """At most `limit` rows (None: all) in this order (by id without one), those after a place in it.

    An order is by a system column or by the id of a column.
    """
    statement, parameters = page_statement(table_id, wanted, limit=limit, order=order or Order("id"), after=after)
    with reading_cells(connection) as cursor:
        return cursor.execute(statement, parameters).fetchall()


def page_statement(
    table_id: str, wanted: RowFilter, *, limit: int | None, order: Order, after: Place | None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of a page, and its parameters."""
    condition, parameters = wanted.condition()
    key = KEYS.get(order.by)
    if key is None:
        key, parameters["sorted_by"] = SORTED_BY, order.by
    if after is not None:
        value = after.value if order.by in KEYS or after.value is None else Jsonb(after.value)
        behind, values = after_place(order, Place(after.id, value), key=key, own_id=KEYS["id"])
        condition = sql.SQL(" AND ").join([condition, behind])
        parameters.update(values)
    statement = LIST.format(wanted=condition, order=ordering(order, key=key, own_id=KEYS["id"]))
    return statement, {**parameters, "table_id": table_id, "limit": limit}


SORTED_BY = sql.SQL("(r.cells -> %(sorted_by)s)")


def get_row(connection: Connection, table_id: str, row_id: int) -> DataRow | None:
    """The row with this id, None when there is none."""
    with reading_cells(connection) as cursor:
        return cursor.execute(GET, {"table_id": table_id, "id": row_id}).fetchone()


def row_exists(connection: Connection, table_id: str, wanted: RowFilter) -> bool:
    """Whether any row is meant."""
    condition, parameters = wanted.condition()
    return bool(scalar(connection, EXISTS.format(wanted=condition), {**parameters, "table_id": table_id}))


def insert_rows(connection: Connection, table_id: str, rows: Sequence[Mapping[str, Any]]) -> list[DataRow]:
    """Add rows to a table that is locked, cells by the ids of their columns; in their order."""
    made: list[DataRow] = []
    before = scalar(connection, TAKE_IDS, {"table_id": table_id, "number": len(rows)})
    with reading_cells(connection) as cursor:
        for chunk in chunks(rows):
            parameters = {"table_id": table_id, "before": before + len(made), "rows": Jsonb(chunk, dumps=orjson.dumps)}
            made += cursor.execute(INSERT, parameters)
    return by_id(made)


def chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The rows, as many at once as a statement adds."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def count_rows(connection: Connection, table_id: str, wanted: RowFilter, most: int) -> int:
    """How many rows are meant, counted up to `most`."""
    condition, parameters = wanted.condition()
    number: int = scalar(connection, COUNT.format(wanted=condition), {**parameters, "table_id": table_id, "most": most})
    return number


def update_rows(
    connection: Connection, table_id: str, wanted: RowFilter, cells: Mapping[str, Any], *, returning: bool = True
) -> list[DataRow]:
    """Give the rows that are meant these cells (None: empty), and return them if they are wanted; the others stay."""
    changes = {
        "emptied": [column for column, value in cells.items() if value is None],
        "filled": Jsonb({column: value for column, value in cells.items() if value is not None}, dumps=orjson.dumps),
    }
    return _change(connection, UPDATE, table_id, wanted, changes, returning)


def delete_rows(connection: Connection, table_id: str, wanted: RowFilter, *, returning: bool = True) -> list[DataRow]:
    """Delete the rows that are meant; returns what they were, if that is wanted."""
    return _change(connection, DELETE, table_id, wanted, {}, returning)


def _change(
    connection: Connection,
    statement: sql.SQL,
    table_id: str,
    wanted: RowFilter,
    changes: Mapping[str, Any],
    returning: bool,
) -> list[DataRow]:
    condition, parameters = wanted.condition()
    query = statement.format(wanted=condition, returning=RETURNING if returning else NOTHING)
    with reading_cells(connection) as cursor:
        cursor.execute(query, {**parameters, **changes, "table_id": table_id})
        return by_id(cursor.fetchall()) if returning else []


def clear_rows(connection: Connection, table_id: str) -> int:
    """Delete all rows of a table; returns how many there were."""
    return connection.execute(CLEAR, {"table_id": table_id}).rowcount


def by_id(rows: list[DataRow]) -> list[DataRow]:
    """The rows in the order of their ids, which RETURNING does not keep."""
    return sorted(rows, key=lambda row: row.id)
