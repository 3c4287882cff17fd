"""How executions are canceled, whoever runs them."""

from collections.abc import Sequence

from psycopg import sql

from app.repository import counters, notifications
from app.repository.connection import Connection
from app.repository.errors import CannotStop, ExecutionNotFound
from app.repository.execution_counts import scalar
from app.repository.execution_filters import ExecutionFilter

STOP = """
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
     WHERE e.id = %(id)s AND e.status IN ('new', 'running', 'waiting')
       AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
    RETURNING e.mode, e.worker_id
"""

STATUS = """
    SELECT e.status
      FROM executions AS e
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
"""

# Locked in the order of ids, so that two of these at once wait for each other instead of deadlocking.
STOP_MANY = sql.SQL("""
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
     WHERE e.id = ANY(ARRAY(
               SELECT e.id FROM executions AS e
                WHERE {condition} AND e.status IN ('new', 'running', 'waiting')
                ORDER BY e.id
                  FOR UPDATE))
    RETURNING e.id, e.mode, e.worker_id
""")


def stop(connection: Connection, execution_id: int, *, project_id: str | None = None) -> None:
    """Cancel an execution and tell the worker that runs it. Raises ExecutionNotFound, CannotStop."""
    where = {"id": execution_id, "project_id": project_id}
    stopped = connection.execute(STOP, where).fetchone()
    if stopped is None:
        status = scalar(connection, STATUS, where)
        raise (
            ExecutionNotFound if status is None else CannotStop(f"Cannot stop an execution whose status is {status}")
        )
    tell_workers(connection, [(execution_id, *stopped)])


def stop_many(connection: Connection, wanted: ExecutionFilter) -> int:
    """Cancel whatever matches and has not ended; returns how many."""
    condition, parameters = wanted.condition()
    stopped = connection.execute(STOP_MANY.format(condition=condition), parameters).fetchall()
    tell_workers(connection, stopped)
    return len(stopped)


def tell_workers(connection: Connection, stopped: Sequence[tuple[int, str, int | None]]) -> None:
    """Count what was canceled, and name to the workers what they should abort."""
    counters.count_ended(connection, counters.NOBODY, [("canceled", mode) for _, mode, _ in stopped])
    with connection.pipeline():
        for execution_id, _, worker_id in stopped:
            if worker_id is not None:
                notifications.announce_stop(connection, execution_id)
