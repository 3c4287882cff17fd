"""Executions that belong together: retries of each other, and those that one has started."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from app.repository.connection import Connection, scalar
from app.vocabulary import Status

MAX_CHAIN_LENGTH = 100

# Up to the first original, then down to every retry; both by ids, and neither farther than so many.
CHAIN = """
    WITH RECURSIVE above AS (
        SELECT e.id, e.retry_of, 1 AS steps FROM executions AS e WHERE e.id = %(id)s
         UNION ALL
        SELECT o.id, o.retry_of, a.steps + 1
          FROM above AS a
          JOIN executions AS o ON o.id = a.retry_of
         WHERE a.steps < %(longest)s),
    below AS (
        SELECT (SELECT a.id FROM above AS a ORDER BY a.steps DESC LIMIT 1) AS id, 1 AS steps
         UNION ALL
        SELECT r.id, b.steps + 1
          FROM below AS b
          JOIN executions AS r ON r.retry_of = b.id
         WHERE b.steps < %(longest)s)
    SELECT e.id, e.status, e.retry_of, e.started_at, e.stopped_at
      FROM (SELECT b.id FROM below AS b LIMIT %(longest)s) AS chain
      JOIN executions AS e ON e.id = chain.id
     WHERE %(project_id)s::text IS NULL OR e.project_id = %(project_id)s
     ORDER BY e.id
"""

PARENT = """
    SELECT p.id
      FROM executions AS e
      JOIN executions AS p ON p.id = e.parent_id
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR p.project_id = %(project_id)s)
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of an execution and its retries."""

    id: int
    status: Status
    retry_of: int | None
    started_at: datetime | None
    stopped_at: datetime | None


def read_attempts(connection: Connection, execution_id: int, *, project_id: str | None = None) -> list[Attempt]:
    """The execution, what it retries and what retries it, at most MAX_CHAIN_LENGTH, the first original first."""
    with connection.cursor(row_factory=args_row(Attempt)) as cursor:
        wanted = {"id": execution_id, "project_id": project_id, "longest": MAX_CHAIN_LENGTH}
        return cursor.execute(CHAIN, wanted).fetchall()


def read_parent(connection: Connection, execution_id: int, *, project_id: str | None = None) -> int | None:
    """The execution that has started this one."""
    found: int | None = scalar(connection, PARENT, {"id": execution_id, "project_id": project_id})
    return found
