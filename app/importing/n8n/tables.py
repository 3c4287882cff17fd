"""Stores data tables with their columns and rows."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.data_tables.errors import InvalidData
from app.data_tables.values import cell
from app.importing.n8n.objects import Owners, times_of
from app.importing.n8n.report import Report
from app.importing.n8n.row_savepoints import kept_apart
from app.importing.n8n.rows import MAX_ID, Row, read_time, storable
from app.importing.n8n.source import Source
from app.repository import imported_tables
from app.repository.connection import Connection
from app.repository.imported_tables import ImportedRow

AT_ONCE = 1_000


def bring_data_tables(connection: Connection, source: Source, owners: Owners, report: Report) -> None:
    """Store the tables and their rows. Rows that were deleted there after they came stay here."""
    columns: dict[str, list[Row]] = {}
    for column in source.rows("data_table_column"):
        columns.setdefault(str(column["dataTableId"]), []).append(column)
    for row in source.rows("data_table"):
        table_id, name = str(row["id"]), storable(row.get("name"))
        with kept_apart(connection, report, "data tables", f"The data table {name:.100} ({table_id})"):
            _bring_table(
                connection, source, owners.project(row.get("projectId")), row, columns.get(table_id, []), report
            )


def _bring_table(
    connection: Connection, source: Source, project_id: str, row: Row, columns: list[Row], report: Report
) -> None:
    table_id, name, times = str(row["id"]), storable(row.get("name")), times_of(row)
    here = imported_tables.add_table(connection, table_id, project_id=project_id, name=name, **times.to_parameters())
    if not here:
        report.count("data tables", "left behind")
        report.note(f"The data table {name} stays behind: there is another one of that name here.")
        return
    _bring_columns(connection, table_id, columns, report)
    number = _bring_rows(connection, source, table_id, columns, report)
    report.count("data tables", "kept")
    report.count("rows of data tables", "kept", number)
    more = imported_tables.count_rows(connection, table_id) - number
    if more > 0:
        report.note(
            f"The data table {name} has {more} rows here that it has not got there: what was deleted there stays here, "
            "as does what was added here."
        )


def _bring_columns(connection: Connection, table_id: str, columns: list[Row], report: Report) -> None:
    for place, column in enumerate(sorted(columns, key=_place)):
        name = storable(column["name"])
        with kept_apart(
            connection,
            report,
            "columns of data tables",
            f"The column {name:.100} ({column['id']}) of the data table {table_id}",
        ):
            imported_tables.add_column(
                connection, str(column["id"]), table_id=table_id, name=name, type=str(column["type"]), place=place
            )


def _place(column: Row) -> int:
    index = column.get("index")
    return index if isinstance(index, int) else 0


def _bring_rows(connection: Connection, source: Source, table_id: str, columns: list[Row], report: Report) -> int:
    known = imported_tables.column_ids(connection, table_id)
    columns_here = [column for column in columns if str(column["id"]) in known]
    rows, number = source.rows(f"data_table_user_{table_id}"), 0
    while batch := list(islice(rows, AT_ONCE)):
        read = [each for row in batch if (each := _read(row, columns_here, report)) is not None]
        imported_tables.bring_rows(connection, table_id, read)
        number += len(read)
    return number


def _read(row: Row, columns: list[Row], report: Report) -> ImportedRow | None:
    """The row as it is stored here; None, which is counted, where it has no id."""
    row_id = row.get("id")
    if not isinstance(row_id, int) or not 0 <= row_id < MAX_ID:
        report.count("rows of data tables", "that have no id")
        return None
    times = times_of(row)
    return row_id, dict(_cells(row, columns, report)), times.created_at, times.updated_at


def _cells(row: Row, columns: list[Row], report: Report) -> Iterator[tuple[str, Any]]:
    for column in columns:
        name, kind = str(column["name"]), str(column["type"])
        try:
            value = cell(name, _to_json(row.get(name), kind), kind)
        except (InvalidData, ValueError, TypeError):
            report.count("cells of data tables", "that cannot be kept")
            continue
        if value is not None:
            yield str(column["id"]), value


def _to_json(value: Any, kind: str) -> Any:
    """A value of the database as JSON has it."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "date":
        return read_time(value).isoformat()
    return storable(value) if kind == "string" else value
