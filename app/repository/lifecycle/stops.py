"""How executions are canceled, whoever runs them."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from app.repository import failure_words, notifications
from app.repository.connection import Connection, scalar
from app.repository.errors import CannotStop, ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle.endings import Ending, append, follow_up
from app.repository.lifecycle.error_workflows import Failure
from app.vocabulary import Mode, Status

STOPPED = {"name": "ManualExecutionCancelledError", "message": "The execution was cancelled manually"}

STATUS = """
    SELECT e.status
      FROM executions AS e
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
"""

# Locked in the order of ids, so that two of these at once wait for each other instead of deadlocking.
STOP = sql.SQL("""
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
      FROM (SELECT e.id, e.status FROM executions AS e
             WHERE {condition} AND e.status IN ('new', 'running', 'waiting')
             ORDER BY e.id
               FOR UPDATE) AS held
     WHERE e.id = held.id
    RETURNING e.id, e.mode, e.worker_id, held.status, e.waits_for, e.error_message IS NOT NULL
""")


class Stopped(NamedTuple):
    """A canceled execution, with the status that it had until then, and the sub-workflow that it waited for.

    `has_message`: it was brought in with the message of an error.
    """

    id: int
    mode: Mode
    worker_id: int | None
    status: Status
    waits_for: int | None
    has_message: bool


def stop(
    connection: Connection, execution_id: int, *, project_id: str | None = None, address: str | None = None
) -> None:
    """Cancel an execution, tell the worker that runs it and start its error workflow, as n8n does for one that ran.

    `address` is where the error workflow is told that this server can be reached.
    Raises ExecutionNotFound, CannotStop.
    """
    wanted = ExecutionFilter(ids=(execution_id,), visible_project=project_id)
    if stop_many(connection, wanted, address=address):
        return
    status = scalar(connection, STATUS, {"id": execution_id, "project_id": project_id})
    raise ExecutionNotFound if status is None else CannotStop(f"Cannot stop an execution whose status is {status}")


def stop_many(connection: Connection, wanted: ExecutionFilter, *, address: str | None = None) -> list[int]:
    """Cancel whatever matches and has not ended, each as `stop` does; returns their ids."""
    stopped = cancel(connection, wanted)
    if stopped:
        end_stopped(connection, [*stopped, *cancel_awaited(connection, stopped)], address)
    return [each.id for each in stopped]


def cancel(connection: Connection, wanted: ExecutionFilter) -> list[Stopped]:
    """Cancel whatever matches and has not ended, and nothing more."""
    condition, parameters = wanted.condition()
    return [Stopped(*row) for row in connection.execute(STOP.format(condition=condition), parameters)]


def cancel_awaited(connection: Connection, stopped: Sequence[Stopped]) -> list[Stopped]:
    """Cancel the sub-workflows that these waited for, and those that these waited for in their turn."""
    canceled: list[Stopped] = []
    while awaited := tuple(each.waits_for for each in stopped if each.status == "waiting" and each.waits_for):
        stopped = cancel(connection, ExecutionFilter(ids=awaited))
        canceled += stopped
    return canceled


def end_stopped(connection: Connection, stopped: Sequence[Stopped], address: str | None) -> None:
    """Name to the workers what they should abort, and do what follows; error workflows start for what ran."""
    with connection.pipeline():
        for each in stopped:
            if each.worker_id is not None:
                notifications.announce_stop(connection, each.id)
        failure = Failure(STOPPED, address=address)
        endings = [
            Ending(each.id, "canceled", each.mode, failure if each.status == "running" else None) for each in stopped
        ]
        append(connection, endings)
        failure_words.note_changed(connection, [each.id for each in stopped if each.has_message])
        follow_up(connection, endings)
