"""Data tables: the tables that workflows keep rows in, each with its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from app.repository.connection import Connection, read_one, scalar
from app.repository.errors import Conflict, DataTableNotFound
from app.repository.keysets import Order, Place, after_place, ordering
from app.repository.project_locks import lock_project

MAX_TABLES = 1_000
"""How many a project may have."""


@dataclass(frozen=True, slots=True)
class DataColumn:
    """A column; `type` is string, number, boolean or date, `place` counts from 0."""

    id: str
    table_id: str
    name: str
    type: str
    place: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table with its columns in their order; `bytes` is what its cells take."""

    id: str
    project_id: str
    name: str
    bytes: int
    created_at: datetime
    updated_at: datetime
    columns: tuple[DataColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFilter:
    """Which tables: of a project (None: of all), with these ids, with all of these texts in their names."""

    project_id: str | None = None
    visible_project: str | None = None
    ids: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()


KEYS = {
    "id": sql.SQL("t.id"),
    "name": sql.SQL("lower(t.name)"),
    "createdAt": sql.SQL("t.created_at"),
    "updatedAt": sql.SQL("t.updated_at"),
    "size": sql.SQL("t.bytes"),
}
"""What tables can be sorted by."""

LIST = sql.SQL("""
    SELECT t.id, t.project_id, t.name, t.bytes, t.created_at, t.updated_at
      FROM data_tables AS t
     WHERE {wanted}
     ORDER BY {order}
     LIMIT %(limit)s
""")
OF_PROJECT = sql.SQL("t.project_id = %(project_id)s")
OF_VISIBLE_PROJECT = sql.SQL("t.project_id = %(visible_project)s")
WITH_IDS = sql.SQL("t.id = ANY(%(ids)s::text[])")
WITH_NAMES = sql.SQL("lower(t.name) LIKE ALL(%(names)s::text[])")

GET = """
    SELECT t.id, t.project_id, t.name, t.bytes, t.created_at, t.updated_at
      FROM data_tables AS t
     WHERE t.id = %(id)s AND (%(project_id)s::text IS NULL OR t.project_id = %(project_id)s)
"""

# The table of that name, else the one that was changed last of those whose names have the text in them.
FIND = """
    SELECT t.id
      FROM data_tables AS t
     WHERE t.project_id = %(project_id)s AND lower(t.name) LIKE %(pattern)s
     ORDER BY t.name = %(name)s DESC, lower(t.name) = lower(%(name)s) DESC, t.updated_at DESC, t.id
     LIMIT 1
"""

# Whoever writes to a table or changes it waits for the others, so that an upsert never inserts twice.
LOCK = """
    SELECT t.id, t.project_id, t.name, t.bytes, t.created_at, t.updated_at
      FROM data_tables AS t
     WHERE t.id = %(id)s AND (%(project_id)s::text IS NULL OR t.project_id = %(project_id)s)
       FOR UPDATE
"""

COLUMNS = """
    SELECT c.id, c.table_id, c.name, c.type, c.place, c.created_at, c.updated_at
      FROM data_table_columns AS c
     WHERE c.table_id = ANY(%(ids)s)
     ORDER BY c.table_id, c.place, c.id
"""

COUNT = """
    SELECT count(*)
      FROM (SELECT FROM data_tables AS t WHERE t.project_id = %(project_id)s LIMIT %(most)s) AS counted
"""

CREATE = """
    INSERT INTO data_tables (id, project_id, name)
    VALUES (%(id)s, %(project_id)s, %(name)s)
"""

RENAME = """
    UPDATE data_tables AS t
       SET name = %(name)s, updated_at = now()
     WHERE t.id = %(id)s
"""

TOUCH = """
    UPDATE data_tables AS t
       SET updated_at = now()
     WHERE t.id = %(id)s
"""

DELETE = """
    DELETE FROM data_tables AS t
     WHERE t.id = %(id)s
"""

USED = """
    SELECT coalesce(sum(t.bytes), 0)::bigint
      FROM data_tables AS t
     WHERE t.project_id = %(project_id)s
"""


def list_tables(
    connection: Connection, wanted: TableFilter, *, limit: int, order: Order | None = None, after: Place | None = None
) -> list[DataTable]:
    """At most `limit` tables in this order (by id without one), those after a place in it."""
    statement, parameters = page_statement(wanted, limit=limit, order=order or Order("id"), after=after)
    with connection.cursor(row_factory=class_row(DataTable)) as cursor:
        return with_columns(connection, cursor.execute(statement, parameters).fetchall())


def page_statement(
    wanted: TableFilter, *, limit: int, order: Order, after: Place | None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of a page, and its parameters."""
    key, own_id = KEYS[order.by], KEYS["id"]
    conditions: list[sql.Composable] = []
    parameters: dict[str, Any] = {"limit": limit, "project_id": wanted.project_id}
    if wanted.project_id is not None:
        conditions.append(OF_PROJECT)
    if wanted.visible_project is not None:
        conditions.append(OF_VISIBLE_PROJECT)
        parameters["visible_project"] = wanted.visible_project
    if wanted.ids is not None:
        conditions.append(WITH_IDS)
        parameters["ids"] = list(wanted.ids)
    if wanted.names:
        conditions.append(WITH_NAMES)
        parameters["names"] = [name_pattern(name) for name in wanted.names]
    if after is not None:
        condition, values = after_place(order, after, key=key, own_id=own_id)
        conditions.append(condition)
        parameters.update(values)
    statement = LIST.format(
        wanted=sql.SQL(" AND ").join(conditions or [sql.SQL("true")]), order=ordering(order, key=key, own_id=own_id)
    )
    return statement, parameters


def name_pattern(text: str) -> str:
    """What LIKE is asked for, for the text anywhere in a name, without regard to case."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text.lower()}%"


def get_table(connection: Connection, table_id: str, *, project_id: str | None = None) -> DataTable:
    """The table with this id, within a project when one is given. Raises DataTableNotFound."""
    return _one(connection, GET, table_id, project_id)


def find_table(connection: Connection, project_id: str, name: str) -> str | None:
    """The id of the project's table that is called so, or that comes closest; None when none has the text in it."""
    parameters = {"project_id": project_id, "name": name, "pattern": name_pattern(name)}
    table_id: str | None = scalar(connection, FIND, parameters)
    return table_id


def lock_table(connection: Connection, table_id: str, *, project_id: str | None = None) -> DataTable:
    """The same; nobody else changes it or its rows until the transaction ends."""
    return _one(connection, LOCK, table_id, project_id)


def create_table(connection: Connection, table_id: str, *, project_id: str, name: str) -> DataTable:
    """Make a table without columns. Raises AlreadyExists, ProjectNotFound (both when translated), Conflict."""
    lock_project(connection, "data tables", project_id)
    if scalar(connection, COUNT, {"project_id": project_id, "most": MAX_TABLES}) >= MAX_TABLES:
        raise Conflict(f"The project has {MAX_TABLES:,} data tables already; more are not allowed")
    connection.execute(CREATE, {"id": table_id, "project_id": project_id, "name": name})
    return get_table(connection, table_id)


def rename_table(connection: Connection, table_id: str, name: str) -> None:
    """Give a table another name. Raises AlreadyExists (when translated)."""
    connection.execute(RENAME, {"id": table_id, "name": name})


def touch_table(connection: Connection, table_id: str) -> None:
    """Note that the table's rows or columns have changed."""
    connection.execute(TOUCH, {"id": table_id})


def delete_table(connection: Connection, table_id: str) -> None:
    """Delete a table with all that it holds."""
    connection.execute(DELETE, {"id": table_id})


def used_bytes(connection: Connection, project_id: str) -> int:
    """How many bytes the cells of all tables of a project take."""
    used: int = scalar(connection, USED, {"project_id": project_id})
    return used


def with_columns(connection: Connection, tables: Sequence[DataTable]) -> list[DataTable]:
    """Fill in the columns of tables with one more statement."""
    columns: dict[str, list[DataColumn]] = {table.id: [] for table in tables}
    if columns:
        with connection.cursor(row_factory=class_row(DataColumn)) as cursor:
            for column in cursor.execute(COLUMNS, {"ids": list(columns)}):
                columns[column.table_id].append(column)
    return [replace(table, columns=tuple(columns[table.id])) for table in tables]


def _one(connection: Connection, statement: str, table_id: str, project_id: str | None) -> DataTable:
    where = {"id": table_id, "project_id": project_id}
    table = read_one(connection, class_row(DataTable), statement, where, DataTableNotFound)
    return with_columns(connection, [table])[0]
