"""What executions have noted about themselves, for whoever may read it."""

from collections.abc import Sequence

from app.console.pages import may
from app.repository.connection import Connection
from app.repository.executions import Execution, read_metadata


def read_custom_data(connection: Connection, rows: Sequence[Execution]) -> dict[int, dict[str, str]]:
    """The custom data of these executions, by their ids."""
    return read_metadata(connection, [row.id for row in rows]) if rows and may("execution:read") else {}
