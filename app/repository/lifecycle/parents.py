"""How an execution that waits for a sub-workflow of its own is told to go on when that has ended."""

from collections.abc import Sequence

from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.notifications import NEW_CHANNEL
from app.vocabulary import Status

# By primary keys. What it waits for stays noted, so that this is kept until it has been read.
WAKE = """
    WITH woken AS (
        UPDATE executions AS p
           SET wait_till = clock_timestamp(), resume_on = NULL
          FROM executions AS c
         WHERE c.id = ANY(%(ids)s) AND p.id = c.parent_id
           AND p.status = 'waiting' AND p.resume_on = 'child' AND p.waits_for = c.id
        RETURNING p.id)
    SELECT pg_notify(%(channel)s, '') FROM woken LIMIT 1
"""

# Uses executions_waiting_for. Without `id`: all that wait for one that has ended, or is not there any more.
WAKE_IF_OVER = """
    WITH woken AS (
        UPDATE executions AS p
           SET wait_till = clock_timestamp(), resume_on = NULL
         WHERE p.status = 'waiting' AND p.resume_on = 'child' AND p.waits_for IS NOT NULL
           AND (%(id)s::bigint IS NULL OR p.id = %(id)s)
           AND NOT EXISTS (SELECT FROM executions AS c
                            WHERE c.id = p.waits_for AND c.status IN ('new', 'running', 'waiting'))
        RETURNING p.id)
    SELECT pg_notify(%(channel)s, '') FROM woken LIMIT 1
"""

CHILD = """
    SELECT c.status, c.error_message
      FROM executions AS c
     WHERE c.id = %(id)s AND c.parent_id = %(parent_id)s
"""

# By primary keys, up through those that wait for each other.
AWAITED = """
    WITH RECURSIVE above AS (
        SELECT e.id AS part_id, e.id, e.parent_id, false AS awaited
          FROM executions AS e
         WHERE e.id = ANY(%(ids)s)
         UNION
        SELECT a.part_id, p.id, p.parent_id, p.awaited OR p.mode = 'manual'
          FROM above AS a
          JOIN executions AS p ON p.id = a.parent_id AND p.status = 'waiting' AND p.waits_for = a.id)
    SELECT DISTINCT a.part_id
      FROM above AS a
     WHERE a.awaited
"""


def wake_parents(connection: Connection, ids: Sequence[int]) -> None:
    """Let those go on that wait for one of these, which have just ended."""
    connection.execute(WAKE, {"ids": list(ids), "channel": NEW_CHANNEL})


def wake_if_over(connection: Connection, execution_id: int | None = None) -> None:
    """Let an execution go on, or any, where the sub-workflow that it waits for has ended without telling it.

    That ended at the same moment in which the other began to wait, or was deleted.
    """
    connection.execute(WAKE_IF_OVER, {"id": execution_id, "channel": NEW_CHANNEL})


def find_awaited(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these sub-workflows that are a part of what somebody waits for: one above them waits, and for it."""
    return {row[0] for row in connection.execute(AWAITED, {"ids": list(ids)})}


def read_child(connection: Connection, parent_id: int, execution_id: int) -> tuple[Status, str | None, bytes] | None:
    """Status, error message and run data (JSON) of a sub-workflow's execution; None where it is not there."""
    row = connection.execute(CHILD, {"id": execution_id, "parent_id": parent_id}).fetchone()
    if row is None:
        return None
    return row[0], row[1], read_data(connection, [execution_id]).get(execution_id, b"")
