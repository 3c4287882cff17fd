"""What rows of executions show besides: what these have noted about themselves, and what they were retries of."""

from collections.abc import Sequence
from typing import Any

from app.console.pages import may
from app.repository.connection import Connection
from app.repository.custom_data import read_custom_data
from app.repository.executions import Execution, find_missing


def read_visible_custom_data(connection: Connection, rows: Sequence[Execution]) -> dict[int, dict[str, str]]:
    """The custom data of these executions, by their ids; none where the key may not read executions."""
    return read_custom_data(connection, [row.id for row in rows]) if rows and may("execution:read") else {}


def read_beside_rows(connection: Connection, rows: Sequence[Execution]) -> dict[str, Any]:
    """What the template of rows shows besides: `custom` data, and the ids of `missing` originals and retries."""
    named = {number for row in rows for number in (row.retry_of, row.retry_success_id) if number is not None}
    named -= {row.id for row in rows}
    missing = find_missing(connection, sorted(named)) if named else set()
    return {"custom": read_visible_custom_data(connection, rows), "missing": missing}
