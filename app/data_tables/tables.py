"""What is done with data tables and their rows. Each function is one transaction's work and takes a connection."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import orjson

from app.data_tables.errors import InvalidData, Mismatch, ReservedName, TablesFull, TooManyRows
from app.data_tables.values import TYPES, cell
from app.notation import new_id, time_text
from app.repository import data_table_columns, data_table_rows, data_tables
from app.repository.connection import Connection
from app.repository.data_table_conditions import RowFilter
from app.repository.data_table_rows import DataRow
from app.repository.data_tables import DataColumn, DataTable
from app.vocabulary import SYSTEM_COLUMNS

COLUMN_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", re.ASCII)
MAX_NAME_LENGTH = 128
MAX_CELLS_RETURNED = 2_000_000
"""Of the rows that a change returns, empty ones included: each takes memory, and only what is in them is stored."""
DRY_RUN = "dryRunState"
NAME_RULE = (
    "Only alphabetical characters and non-leading numbers and underscores are allowed for column names, and the "
    "maximum length is 63 characters."
)


@dataclass(frozen=True, slots=True)
class Change:
    """Values by the names of columns for the rows that are meant, of which `most_rows` may be returned; None: none are.

    `zone` is that of dates without one.
    """

    wanted: RowFilter
    row: Mapping[str, Any]
    most_rows: int | None
    zone: tzinfo = UTC


MakeChange = Callable[[Connection, DataTable, Change, int], list[DataRow]]
"""`update` or `upsert`."""
TryChange = Callable[[Connection, DataTable, Change], list[dict[str, Any]]]
"""`try_update` or `try_upsert`, which show the change and make none."""


def create(connection: Connection, project_id: str, name: str, columns: Sequence[tuple[str, str]]) -> DataTable:
    """Make a table with columns (name, type). Raises InvalidData, ReservedName, and what the repository does."""
    name = table_name(name)
    for column, kind in columns:
        check_column(column, kind)
    if len({column for column, _ in columns}) < len(columns):
        raise InvalidData("Two columns have the same name")
    table = data_tables.create_table(connection, new_id(), project_id=project_id, name=name)
    if len(columns) > data_table_columns.MAX_COLUMNS:
        raise InvalidData(f"A table can have at most {data_table_columns.MAX_COLUMNS} columns")
    for place, (column, kind) in enumerate(columns):
        data_table_columns.add_column(connection, table, new_id(), name=column, type=kind, place=place)
    return data_tables.get_table(connection, table.id)


def table_name(name: str) -> str:
    """The name without spaces around it. Raises InvalidData for one that no table can have."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidData(f"A table's name must have 1 to {MAX_NAME_LENGTH} printable characters")
    return name


def check_column(name: str, kind: str) -> None:
    """Raises InvalidData, ReservedName."""
    if not COLUMN_NAME.fullmatch(name):
        raise Mismatch(NAME_RULE)
    if kind not in TYPES:
        raise Mismatch(f"A column's type must be one of: {', '.join(TYPES)}")
    if name.lower() in {reserved.lower() for reserved in (*SYSTEM_COLUMNS, DRY_RUN)}:
        kind = "testing" if name.lower() == DRY_RUN.lower() else "system"
        raise ReservedName(f'Column name "{name}" is reserved as a {kind} column name.')


def insert(
    connection: Connection, table: DataTable, rows: Sequence[Mapping[str, Any]], *, most_bytes: int, zone: tzinfo = UTC
) -> list[DataRow]:
    """Add rows, values by the names of columns, to a table that is locked. Raises InvalidData, TablesFull."""
    made = data_table_rows.insert_rows(
        connection, table.id, [without_empty(cells_of(table, row, zone)) for row in rows]
    )
    note_change(connection, table, most_bytes)
    return made


def update(connection: Connection, table: DataTable, change: Change, most_bytes: int) -> list[DataRow]:
    """Give the rows that are meant these values, in a table that is locked, and return them.

    Raises InvalidData, TooManyRows, TablesFull.
    """
    cells = some_cells(table, change.row, change.zone)
    check_number(connection, table, change.wanted, change.most_rows)
    check_growth(connection, table, change.wanted, cells, most_bytes)
    returning = change.most_rows is not None
    made = data_table_rows.update_rows(connection, table.id, change.wanted, cells, returning=returning)
    note_change(connection, table, most_bytes)
    return made


def upsert(connection: Connection, table: DataTable, change: Change, most_bytes: int) -> list[DataRow]:
    """The same, but add a row where none is meant."""
    if data_table_rows.row_exists(connection, table.id, change.wanted):
        return update(connection, table, change, most_bytes)
    some_cells(table, change.row, change.zone)
    return insert(connection, table, [change.row], most_bytes=most_bytes, zone=change.zone)


def delete(connection: Connection, table: DataTable, wanted: RowFilter, *, most_rows: int | None) -> list[DataRow]:
    """Delete the rows that are meant and return what they were; `most_rows` None: they are not returned.

    Raises InvalidData for a filter that means all of them, TooManyRows.
    """
    check_deletion(wanted)
    check_number(connection, table, wanted, most_rows)
    gone = data_table_rows.delete_rows(connection, table.id, wanted, returning=most_rows is not None)
    data_tables.touch_table(connection, table.id)
    return gone


def clear(connection: Connection, table: DataTable) -> int:
    """Delete all rows; returns how many there were."""
    number = data_table_rows.clear_rows(connection, table.id)
    data_tables.touch_table(connection, table.id)
    return number


def note_change(connection: Connection, table: DataTable, most_bytes: int) -> None:
    """Note that rows have changed. Raises TablesFull, after which nothing may be committed."""
    if data_tables.used_bytes(connection, table.project_id) > most_bytes:
        raise _full(most_bytes)
    data_tables.touch_table(connection, table.id)


def check_growth(
    connection: Connection, table: DataTable, wanted: RowFilter, cells: Mapping[str, Any], most_bytes: int
) -> None:
    """Raises TablesFull where the new cells alone take too much, before they are written and handed out."""
    most = most_bytes // len(orjson.dumps(without_empty(cells)))
    if data_table_rows.count_rows(connection, table.id, wanted, most + 1) > most:
        raise _full(most_bytes)


def _full(most_bytes: int) -> TablesFull:
    return TablesFull(
        f"The data tables of a project can hold at most {most_bytes // 2**20} MiB (EXECUTIONS_DATA_TABLES_BYTES)"
    )


def check_number(connection: Connection, table: DataTable, wanted: RowFilter, most_rows: int | None) -> None:
    """Raises TooManyRows where more rows are meant, or they have more than MAX_CELLS_RETURNED."""
    if most_rows is not None:
        most_rows = min(most_rows, MAX_CELLS_RETURNED // max(1, len(table.columns)))
    if most_rows is not None and data_table_rows.count_rows(connection, table.id, wanted, most_rows + 1) > most_rows:
        raise TooManyRows(f"More than {most_rows:,} rows are meant: too many to be returned, so nothing was done")


def check_deletion(wanted: RowFilter) -> None:
    """Raises InvalidData."""
    if not wanted.conditions:
        raise InvalidData("At least one filter condition is required for delete operations")


def try_update(connection: Connection, table: DataTable, change: Change) -> list[dict[str, Any]]:
    """What an update would change: each row before and after it."""
    cells = some_cells(table, change.row, change.zone)
    check_number(connection, table, change.wanted, change.most_rows)
    rows = data_table_rows.list_rows(connection, table.id, change.wanted, limit=None)
    now = datetime.now(UTC)
    states: list[dict[str, Any]] = []
    for before in rows:
        after = DataRow(before.id, without_empty({**before.cells, **cells}), before.created_at, now)
        states += [{**show_row(table, before), DRY_RUN: "before"}, {**show_row(table, after), DRY_RUN: "after"}]
    return states


def try_upsert(connection: Connection, table: DataTable, change: Change) -> list[dict[str, Any]]:
    """What an upsert would change or add."""
    if states := try_update(connection, table, change):
        return states
    cells, now = some_cells(table, change.row, change.zone), time_text(datetime.now(UTC))
    values = {column.name: cells[column.id] for column in table.columns if column.id in cells}
    after = {"id": 0, "createdAt": now, "updatedAt": now, **values, DRY_RUN: "after"}
    return [{**dict.fromkeys(after), DRY_RUN: "before"}, after]


def try_delete(connection: Connection, table: DataTable, wanted: RowFilter, *, most_rows: int) -> list[dict[str, Any]]:
    """What a deletion would take away."""
    check_deletion(wanted)
    check_number(connection, table, wanted, most_rows)
    states: list[dict[str, Any]] = []
    for before in data_table_rows.list_rows(connection, table.id, wanted, limit=None):
        shown = show_row(table, before)
        states += [{**shown, DRY_RUN: "before"}, {**dict.fromkeys(shown), DRY_RUN: "after"}]
    return states


def cells_of(table: DataTable, row: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """The cells for values by the names of columns, None where one is to be empty. Raises InvalidData."""
    columns = {column.name: column for column in table.columns}
    cells = {}
    for name, value in row.items():
        column = columns.get(name)
        if column is None:
            raise Mismatch(f"unknown column name '{name[:100]}'")
        cells[column.id] = cell(name, value, column.type, zone)
    return cells


def some_cells(table: DataTable, row: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """The same for values that are to change others. Raises InvalidData, also for none."""
    if not table.columns:
        raise Mismatch("No columns found for this data table or data table not found")
    if not row:
        raise Mismatch("Data columns must not be empty")
    return cells_of(table, row, zone)


def without_empty(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Those cells that are not empty."""
    return {column: value for column, value in cells.items() if value is not None}


def show_rows(table: DataTable, rows: Iterable[DataRow]) -> list[dict[str, Any]]:
    """Rows as n8n shows them."""
    return [show_row(table, row) for row in rows]


def show_row(table: DataTable, row: DataRow) -> dict[str, Any]:
    """A row as n8n shows it: values by the names of columns, then its id and times."""
    return {
        **{column.name: row.cells.get(column.id) for column in table.columns},
        "id": row.id,
        "createdAt": time_text(row.created_at),
        "updatedAt": time_text(row.updated_at),
    }


def show_column(column: DataColumn) -> dict[str, Any]:
    """A column as n8n shows it."""
    return {
        "id": column.id,
        "dataTableId": column.table_id,
        "name": column.name,
        "type": column.type,
        "index": column.place,
        "createdAt": time_text(column.created_at),
        "updatedAt": time_text(column.updated_at),
    }


def show_table(table: DataTable) -> dict[str, Any]:
    """A table as n8n shows it, without its size."""
    return {
        "id": table.id,
        "name": table.name,
        "projectId": table.project_id,
        "columns": [show_column(column) for column in table.columns],
        "createdAt": time_text(table.created_at),
        "updatedAt": time_text(table.updated_at),
    }
