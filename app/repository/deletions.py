"""Deleting executions: all that were named or none, and never one that runs."""

from psycopg import sql

from app.repository import counters
from app.repository.connection import Connection
from app.repository.errors import CannotDelete, ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import Execution, get_execution

# Locked in the order of ids, as stop_many does, so that none of them wait for each other in a circle.
LOCK = sql.SQL("""
    SELECT e.id, e.status
      FROM executions AS e
     WHERE {condition}
     ORDER BY e.id
       FOR UPDATE
""")

DELETE = """
    DELETE FROM executions AS e
     WHERE e.id = ANY(%(ids)s)
"""


def lock_deletable(connection: Connection, wanted: ExecutionFilter) -> list[int]:
    """Keep what matches as it is until the transaction ends; returns the ids. Raises CannotDelete when one runs."""
    condition, parameters = wanted.condition()
    locked = connection.execute(LOCK.format(condition=condition), parameters).fetchall()
    if any(status == "running" for _, status in locked):
        raise CannotDelete
    return [execution_id for execution_id, _ in locked]


def delete_executions(connection: Connection, wanted: ExecutionFilter) -> int:
    """Delete whatever matches, data and all; returns how many. Raises CannotDelete when one of them runs."""
    ids = lock_deletable(connection, wanted)
    connection.execute(DELETE, {"ids": ids})
    counters.count_deleted(connection, len(ids), by="call")
    return len(ids)


def delete_execution(connection: Connection, execution_id: int, *, project_id: str | None = None) -> Execution:
    """Delete one execution and return what it was. Raises ExecutionNotFound, CannotDelete."""
    if not lock_deletable(connection, ExecutionFilter(ids=(execution_id,), visible_project=project_id)):
        raise ExecutionNotFound
    # Read under the lock: what is shown is what is deleted.
    execution = get_execution(connection, execution_id, project_id=project_id)
    connection.execute(DELETE, {"ids": [execution_id]})
    counters.count_deleted(connection, 1, by="call")
    return execution
