"""What an execution comes from: the executions that it belongs to, the worker that ran it, the version that it ran."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from app.repository.connection import Connection, read_one
from app.repository.errors import ExecutionNotFound
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

# Who sees one project only sees no machines.
ORIGIN = """
    SELECT p.id, w.id, w.hostname, v.created_at
      FROM executions AS e
      LEFT JOIN executions AS p
        ON p.id = e.parent_id AND (%(project_id)s::text IS NULL OR p.project_id = %(project_id)s)
      LEFT JOIN workers AS w ON w.id = e.worker_id AND %(project_id)s::text IS NULL
      LEFT JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     WHERE e.id = %(id)s
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


@dataclass(frozen=True, slots=True)
class Origin:
    """The execution that has started this one; the worker that has it, or had it last, as long as that is known; and
    when the version of its workflow was saved."""

    parent_id: int | None
    worker_id: int | None
    worker_host: str | None
    version_saved_at: datetime | None


def read_origin(connection: Connection, execution_id: int, *, project_id: str | None = None) -> Origin:
    """Where an execution comes from. Raises ExecutionNotFound."""
    values = {"id": execution_id, "project_id": project_id}
    return read_one(connection, args_row(Origin), ORIGIN, values, ExecutionNotFound)
