"""What executions have noted about themselves, for whoever may read it."""

from collections.abc import Sequence

from app.console.pages import may
from app.repository.connection import Connection
from app.repository.custom_data import read_custom_data
from app.repository.executions import Execution


def read_visible_custom_data(connection: Connection, rows: Sequence[Execution]) -> dict[int, dict[str, str]]:
    """The custom data of these executions, by their ids; none where the key may not read executions."""
    return read_custom_data(connection, [row.id for row in rows]) if rows and may("execution:read") else {}
