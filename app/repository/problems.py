"""Problems: failures that have something in common (app/repository/failure_groups.py), as people look at them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from app.repository.connection import Connection, read_one, scalar
from app.repository.errors import ProblemNotFound

MAX_VERSIONS = 20

COLUMNS = sql.SQL("""
    p.id, p.project_id, p.workflow_id, p.node, p.pattern, p.message, p.status, p.number, p.mended, p.first_seen_at,
    p.last_seen_at, p.last_execution_id
""")

# Uses problems_by_last_seen, or problems_of_status.
LIST = sql.SQL("""
    SELECT {columns}
      FROM problems AS p
     WHERE {problems_condition}
     ORDER BY p.last_seen_at DESC, p.id DESC
     LIMIT {limit}
""")

GET = """
    SELECT p.id, p.project_id, p.workflow_id, p.node, p.pattern, p.message, p.status, p.number, p.mended,
           p.first_seen_at, p.last_seen_at, p.last_execution_id
      FROM problems AS p
     WHERE p.id = %(id)s AND (%(project_id)s::text IS NULL OR p.project_id = %(project_id)s)
"""

SET_STATUS = """
    UPDATE problems AS p
       SET status = %(status)s
     WHERE p.id = %(id)s AND (%(project_id)s::text IS NULL OR p.project_id = %(project_id)s)
    RETURNING true
"""

TREND = """
    SELECT h.problem_id, date_bin(%(width)s, h.hour, %(begin)s), sum(h.number)::bigint
      FROM problem_hours AS h
     WHERE h.problem_id = ANY(%(ids)s) AND h.hour >= %(begin)s
     GROUP BY 1, 2
"""

VERSIONS = """
    SELECT w.id, v.version_id, v.number, v.last_seen_at
      FROM unnest(%(ids)s::bigint[]) AS w (id)
     CROSS JOIN LATERAL (
           SELECT v.version_id, v.number, v.last_seen_at
             FROM problem_versions AS v
            WHERE v.problem_id = w.id
            ORDER BY v.last_seen_at DESC
            LIMIT %(most)s) AS v
"""

CLAUSES = {
    "status": sql.SQL("p.status = %(status)s"),  # unlike ANY it leaves an index the order of what follows
    "statuses": sql.SQL("p.status = ANY(%(statuses)s)"),
    "workflow_ids": sql.SQL("p.workflow_id = ANY(%(workflow_ids)s)"),
    "project_ids": sql.SQL("p.project_id = ANY(%(project_ids)s)"),
    "seen_after": sql.SQL("p.last_seen_at > %(seen_after)s"),
    "seen_before": sql.SQL("p.first_seen_at < %(seen_before)s"),
    "visible_project": sql.SQL("p.project_id = %(visible_project)s"),
    "after": sql.SQL("(p.last_seen_at, p.id) < (%(after_seen)s, %(after_id)s)"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """`number` failures, for `mended` of which a retry has succeeded; `node` and `pattern` are empty where any is."""

    id: int
    project_id: str
    workflow_id: str
    node: str
    pattern: str
    message: str
    status: str
    number: int
    mended: int
    first_seen_at: datetime
    last_seen_at: datetime
    last_execution_id: int


@dataclass(frozen=True, slots=True)
class ProblemPlace:
    """Where a page of the list begins: after the problem that had this time and id."""

    last_seen_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Conditions that all must hold; a tuple means any of its values, empty means no condition."""

    statuses: tuple[str, ...] = ()
    workflow_ids: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    seen_after: datetime | None = None
    seen_before: datetime | None = None
    visible_project: str | None = None

    def condition(self, after: ProblemPlace | None) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on `problems AS p`, and its parameters."""
        parameters = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items() if value
        }
        if len(self.statuses) == 1:
            [parameters["status"]] = parameters.pop("statuses")
        clauses = [CLAUSES[name] for name in parameters]
        if after is not None:
            clauses.append(CLAUSES["after"])
            parameters |= {"after_seen": after.last_seen_at, "after_id": after.id}
        return sql.SQL(" AND ").join(clauses or [sql.SQL("true")]), parameters


def list_problems(
    connection: Connection, wanted: ProblemFilter, *, limit: int, after: ProblemPlace | None = None
) -> list[Problem]:
    """At most `limit` problems, those first that were seen last."""
    condition, parameters = wanted.condition(after)
    statement = LIST.format(columns=COLUMNS, problems_condition=condition, limit=sql.Literal(limit))
    with connection.cursor(row_factory=class_row(Problem)) as cursor:
        return cursor.execute(statement, parameters, prepare=False).fetchall()


def get_problem(connection: Connection, problem_id: int, *, project_id: str | None = None) -> Problem:
    """The problem with this id, within a project when one is given. Raises ProblemNotFound."""
    return read_one(connection, class_row(Problem), GET, {"id": problem_id, "project_id": project_id}, ProblemNotFound)


def set_status(connection: Connection, problem_id: int, status: str, *, project_id: str | None = None) -> None:
    """Say that a problem is open, handled or muted. Raises ProblemNotFound."""
    if not scalar(connection, SET_STATUS, {"id": problem_id, "status": status, "project_id": project_id}):
        raise ProblemNotFound


@dataclass(frozen=True, slots=True)
class FailingVersion:
    """A version of a workflow that had a problem so often, the last time then."""

    id: UUID
    number: int
    last_seen_at: datetime


def read_versions(connection: Connection, ids: Sequence[int]) -> dict[int, list[FailingVersion]]:
    """The versions that had these problems lately, by problem, at most MAX_VERSIONS each."""
    versions: dict[int, list[FailingVersion]] = {problem_id: [] for problem_id in ids}
    for problem_id, *version in connection.execute(VERSIONS, {"ids": list(ids), "most": MAX_VERSIONS}):
        versions[problem_id].append(FailingVersion(*version))
    return versions


def read_trends(
    connection: Connection, ids: Sequence[int], times: Sequence[datetime]
) -> dict[int, dict[datetime, int]]:
    """How often each problem was seen from each of `times` to the next; they are hours or days apart."""
    trends: dict[int, dict[datetime, int]] = {problem_id: {} for problem_id in ids}
    values = {"ids": list(ids), "begin": times[0], "width": times[1] - times[0]}
    for problem_id, begin, number in connection.execute(TREND, values):
        trends[problem_id][begin] = number
    return trends
