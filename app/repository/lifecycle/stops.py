"""How executions are canceled, whoever runs them."""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.errors import CannotStop, ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle.endings import Ending, follow_up
from app.repository.lifecycle.error_workflows import Failure

STOPPED = {"name": "ManualExecutionCancelledError", "message": "The execution was cancelled manually"}

STOP = """
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
      FROM (SELECT e.id, e.status FROM executions AS e
             WHERE e.id = %(id)s AND e.status IN ('new', 'running', 'waiting')
               AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
               FOR UPDATE) AS held
     WHERE e.id = held.id
    RETURNING e.id, e.mode, e.worker_id, held.status, e.waits_for
"""

# The sub-workflows that some wait for end with them.
STOP_AWAITED = """
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
      FROM (SELECT e.id, e.status FROM executions AS e
             WHERE e.id = ANY(%(ids)s) AND e.status IN ('new', 'running', 'waiting')
             ORDER BY e.id
               FOR UPDATE) AS held
     WHERE e.id = held.id
    RETURNING e.id, e.mode, e.worker_id, held.status, e.waits_for
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
      FROM (SELECT e.id, e.status FROM executions AS e
             WHERE {condition} AND e.status IN ('new', 'running', 'waiting')
             ORDER BY e.id
               FOR UPDATE) AS held
     WHERE e.id = held.id
    RETURNING e.id, e.mode, e.worker_id, held.status, e.waits_for
""")


def stop(
    connection: Connection, execution_id: int, *, project_id: str | None = None, address: str | None = None
) -> None:
    """Cancel an execution, tell the worker that runs it and start its error workflow, as n8n does for one that ran.

    `address` is where the error workflow is told that this server can be reached.
    Raises ExecutionNotFound, CannotStop.
    """
    where = {"id": execution_id, "project_id": project_id}
    stopped = connection.execute(STOP, where).fetchone()
    if stopped is None:
        status = scalar(connection, STATUS, where)
        raise (
            ExecutionNotFound if status is None else CannotStop(f"Cannot stop an execution whose status is {status}")
        )
    end_stopped(connection, [stopped, *stop_awaited(connection, [stopped])], address)


def stop_many(connection: Connection, wanted: ExecutionFilter, *, address: str | None = None) -> int:
    """Cancel whatever matches and has not ended, each as `stop` does; returns how many."""
    condition, parameters = wanted.condition()
    stopped = connection.execute(STOP_MANY.format(condition=condition), parameters).fetchall()
    end_stopped(connection, [*stopped, *stop_awaited(connection, stopped)], address)
    return len(stopped)


def stop_awaited(connection: Connection, stopped: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Cancel the sub-workflows that these waited for, and those that these waited for in their turn."""
    rows: list[tuple[Any, ...]] = []
    while awaited := [row[4] for row in stopped if row[3] == "waiting" and row[4] is not None]:
        stopped = connection.execute(STOP_AWAITED, {"ids": awaited}).fetchall()
        rows += stopped
    return rows


def end_stopped(connection: Connection, stopped: Sequence[tuple[Any, ...]], address: str | None) -> None:
    """Name to the workers what they should abort, and do what follows; error workflows start for what ran."""
    with connection.pipeline():
        for execution_id, _, worker_id, _, _ in stopped:
            if worker_id is not None:
                notifications.announce_stop(connection, execution_id)
        failure = Failure(STOPPED, address=address)
        endings = [
            Ending(execution_id, "canceled", mode, failure if status == "running" else None)
            for execution_id, mode, _, status, _ in stopped
        ]
        follow_up(connection, endings)
