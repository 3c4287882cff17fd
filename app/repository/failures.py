"""Notices of failed executions on their way out. A trigger writes them (sql/0006.failures.sql)."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection
from app.vocabulary import Mode, Status

# Uses failure_notices_due. Whoever takes a notice has until the next attempt to send it and say so: one that dies
# meanwhile leaves it to the others.
TAKE = """
    UPDATE failure_notices AS n
       SET attempts = n.attempts + 1,
           next_attempt_at = clock_timestamp() + make_interval(secs => least(30 * 2.0 ^ least(n.attempts, 10), 3600))
     WHERE n.id = ANY(ARRAY(
               SELECT d.id FROM failure_notices AS d
                WHERE d.next_attempt_at <= statement_timestamp()
                ORDER BY d.next_attempt_at
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED))
    RETURNING n.id, n.execution_id, n.workflow_id, n.workflow_name, n.project_id, n.status, n.mode, n.error_node,
              n.error_message, n.started_at, n.stopped_at, n.attempts
"""

FORGET_SENT = """
    DELETE FROM failure_notices AS n
     WHERE n.id = ANY(%(ids)s)
"""

# Counted up to 10,000.
PENDING = """
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(p.created_at)), 0)::float
      FROM (SELECT n.created_at FROM failure_notices AS n ORDER BY n.id LIMIT 10000) AS p
"""

GIVE_UP = """
    DELETE FROM failure_notices AS n
     WHERE n.created_at < statement_timestamp() - interval '7 days'
    RETURNING n.execution_id
"""


@dataclass(frozen=True, slots=True)
class FailureNotice:
    """What is told of a failed execution; `attempts` counts this one."""

    id: int
    execution_id: int
    workflow_id: str
    workflow_name: str
    project_id: str
    status: Status
    mode: Mode
    error_node: str | None
    error_message: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    attempts: int


def take_notices(connection: Connection, limit: int) -> list[FailureNotice]:
    """Notices that are due, for the caller to send. Each comes again after 30 seconds, later up to an hour."""
    with connection.cursor(row_factory=class_row(FailureNotice)) as cursor:
        return cursor.execute(TAKE, {"limit": limit}).fetchall()


def forget_sent(connection: Connection, ids: list[int]) -> None:
    """Forget notices that have arrived."""
    connection.execute(FORGET_SENT, {"ids": ids})


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many notices are still to be sent (counted up to 10,000), and the age of the oldest in seconds."""

    number: int
    oldest_seconds: float


def read_backlog(connection: Connection) -> Backlog:
    """The notices that have not been sent yet."""
    row = connection.execute(PENDING).fetchone()
    assert row is not None
    return Backlog(*row)


def give_up(connection: Connection) -> list[int]:
    """Drop notices that nobody has taken for seven days; returns the executions that they told of."""
    return [row[0] for row in connection.execute(GIVE_UP)]
