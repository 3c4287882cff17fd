"""How many executions there are, at a cost that does not grow with the table."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import psycopg
from psycopg import sql

from app.repository.connection import Connection, scalar
from app.repository.execution_filters import ExecutionFilter
from app.vocabulary import IN_FLIGHT, InFlight

EXACT_UP_TO = 10_000
IN_FLIGHT_UP_TO = 1_000
BUDGET = "150ms"  # when no index fits a pair of filters, this is what a count may cost before it is estimated


@dataclass(frozen=True, slots=True)
class Count:
    """`estimated` says that `value` is the planner's guess and not a count.

    `snapshot` is the state of the database that was counted in: while it is the same, so is the count.
    """

    value: int
    estimated: bool
    snapshot: str = ""


# Null for the count where nothing has been committed since the snapshot that is known: it still holds. On a replica
# a snapshot does not name what is in progress, and so does not tell.
COUNT = sql.SQL("""
    SELECT CASE WHEN pg_is_in_recovery() OR pg_current_snapshot()::text IS DISTINCT FROM %(known_snapshot)s::text
                THEN (SELECT count(*)
                        FROM (SELECT 1 FROM executions AS e WHERE {condition} LIMIT {limit}) AS matching) END,
           pg_current_snapshot()::text
""")

COUNT_UP_TO = sql.SQL("""
    SELECT count(*) FROM (SELECT 1 FROM executions AS e WHERE {condition} LIMIT {limit}) AS matching
""")

ESTIMATE = sql.SQL("EXPLAIN (FORMAT JSON) SELECT 1 FROM executions AS e WHERE {condition}")

# A worker runs so many at once, so this counts a few index entries whatever the size of the table.
CONCURRENT = """
    SELECT count(*)
      FROM executions AS e
     WHERE e.status = 'running' AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
"""

QUEUE_DEPTH = """
    SELECT count(*)
      FROM (SELECT 1
              FROM executions AS e
             WHERE e.status = 'new' AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
             LIMIT 100000) AS queued
"""

WAITING = """
    SELECT count(*)
      FROM (SELECT 1
              FROM executions AS e
             WHERE e.status = 'waiting' AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
             LIMIT 100000) AS waiting
"""

OLDEST_QUEUED = """
    SELECT extract(epoch FROM clock_timestamp() - e.created_at)::float
      FROM executions AS e
     WHERE e.status = 'new' AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
     ORDER BY e.id
     LIMIT 1
"""

LIMIT_COST = sql.SQL("SET LOCAL statement_timeout = {budget}").format(budget=sql.Literal(BUDGET))
LIFT_LIMIT = "SET LOCAL statement_timeout = DEFAULT"


def ask_for_count(
    connection: Connection, wanted: ExecutionFilter, known: Count | None
) -> psycopg.Cursor[tuple[Any, ...]]:
    """Ask, within BUDGET, how many match, up to one more than is counted exactly."""
    condition, parameters = wanted.condition()
    statement = COUNT.format(condition=condition, limit=sql.Literal(EXACT_UP_TO + 1))
    parameters["known_snapshot"] = known.snapshot if known else None
    connection.execute(LIMIT_COST)
    answer = connection.execute(statement, parameters, prepare=False)
    connection.execute(LIFT_LIMIT)
    return answer


def resolve_count(
    connection: Connection, wanted: ExecutionFilter, known: Count | None, value: int | None, snapshot: str
) -> Count:
    """What the answer to a count says: what was known, itself, or that the planner must be asked."""
    if value is None and known is not None:
        return known
    if value is not None and value <= EXACT_UP_TO:
        return Count(value, estimated=False, snapshot=snapshot)
    return Count(max(estimate(connection, wanted), EXACT_UP_TO + 1), estimated=True)


def estimate(connection: Connection, wanted: ExecutionFilter) -> int:
    """The planner's guess of how many rows match; by words alone, how many their index holds."""
    if wanted.is_found_by_words and wanted.seen_projects() != ():
        search = wanted.error_search()
        if indexed := int(scalar(connection, search.number_indexed, search.parameters)):
            return indexed
    condition, parameters = wanted.condition(bounded=False)
    plan = scalar(connection, ESTIMATE.format(condition=condition), parameters, prepare=False)
    return int(orjson.loads(plan)[0]["Plan"]["Plan Rows"])


def count_running(connection: Connection, *, project_id: str | None = None) -> int:
    """How many executions run at this moment, within a project when one is given."""
    return int(scalar(connection, CONCURRENT, {"project_id": project_id}))


def count_in_flight(connection: Connection, wanted: ExecutionFilter) -> dict[InFlight, int]:
    """How many of those that match, whatever status is asked for, are queued, run and wait now.

    More than IN_FLIGHT_UP_TO are counted as one more. Empty where it is not worth a look: few of these were annotated
    or noted anything yet, and none has failed.
    """
    if wanted.is_annotated or wanted.problem_ids or wanted.error is not None:
        return {}
    limit = sql.Literal(IN_FLIGHT_UP_TO + 1)
    counts: dict[InFlight, int] = {}
    for status in IN_FLIGHT:
        condition, parameters = replace(wanted, statuses=(status,)).condition()
        statement = COUNT_UP_TO.format(condition=condition, limit=limit)
        counts[status] = int(scalar(connection, statement, parameters, prepare=False))
    return counts


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is queued, runs and waits now (each counted up to 100,000), and the age of the oldest queued, in seconds."""

    queued: int
    running: int
    waiting: int
    oldest_queued_seconds: float


def queue_state(connection: Connection, *, project_id: str | None = None) -> QueueState:
    """A picture of the queue for operators, within a project when one is given."""
    visible = {"project_id": project_id}
    return QueueState(
        queued=int(scalar(connection, QUEUE_DEPTH, visible)),
        running=count_running(connection, project_id=project_id),
        waiting=int(scalar(connection, WAITING, visible)),
        oldest_queued_seconds=float(scalar(connection, OLDEST_QUEUED, visible) or 0.0),
    )
