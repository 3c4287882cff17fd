"""What an execution comes from: the executions that it belongs to, the worker that ran it, the version that it ran."""

from collections.abc import Sequence
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

# Of each of these executions the nearest that it retries, by ids, and that has data.
ORIGINALS_WITH_DATA = """
    WITH RECURSIVE above AS (
        SELECT e.id AS retry_id, e.retry_of AS id, 1 AS steps
          FROM executions AS e
         WHERE e.id = ANY(%(ids)s) AND e.retry_of IS NOT NULL
         UNION ALL
        SELECT a.retry_id, o.retry_of, a.steps + 1
          FROM above AS a
          JOIN executions AS o ON o.id = a.id
         WHERE o.retry_of IS NOT NULL AND a.steps < %(longest)s
           AND NOT EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = a.id))
    SELECT a.retry_id, a.id
      FROM above AS a
     WHERE EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = a.id)
"""

ROOTS = """
    WITH RECURSIVE above AS (
        SELECT e.id AS retry_id, e.id, e.retry_of, 1 AS steps
          FROM executions AS e
         WHERE e.id = ANY(%(ids)s)
         UNION ALL
        SELECT a.retry_id, o.id, o.retry_of, a.steps + 1
          FROM above AS a
          JOIN executions AS o ON o.id = a.retry_of
         WHERE a.steps < %(longest)s)
    SELECT DISTINCT ON (a.retry_id) a.retry_id, coalesce(a.retry_of, a.id)
      FROM above AS a
     ORDER BY a.retry_id, a.steps DESC
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


def find_originals_with_data(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each of these the nearest execution that it is a retry of, over at most MAX_CHAIN_LENGTH, and that has data;
    those without one are left out."""
    return dict(connection.execute(ORIGINALS_WITH_DATA, {"ids": list(ids), "longest": MAX_CHAIN_LENGTH}).fetchall())


def find_roots(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """For each of these retries the execution that its chain of retries begins with, over at most MAX_CHAIN_LENGTH."""
    return dict(connection.execute(ROOTS, {"ids": list(ids), "longest": MAX_CHAIN_LENGTH}).fetchall()) if ids else {}


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
