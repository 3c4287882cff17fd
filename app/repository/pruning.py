"""Old executions are deleted in small steps, by one pruner at a time, so that nobody waits for it.

What is annotated stays, as in n8n; so does what still runs or waits. Rows that somebody else has locked are left for
the next round.
"""

from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from app.repository import counters
from app.repository.connection import Connection, scalar
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement

TURN_SECONDS = 30.0

# Held by the row's lock while a step goes on, and by its time in the pauses between steps.
TAKE_TURN = """
    UPDATE pruning_turns AS t
       SET holder = %(holder)s, expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
     WHERE t.id = (SELECT p.id
                     FROM pruning_turns AS p
                    WHERE p.holder = %(holder)s OR p.expires_at < statement_timestamp()
                      FOR UPDATE SKIP LOCKED)
    RETURNING true
"""

# What people have annotated stays.
PRUNABLE = sql.SQL("""
               e.status IN ('success', 'error', 'canceled', 'crashed')
           AND e.vote IS NULL
           AND e.note IS NULL
           AND NOT (e.tagged AND EXISTS (SELECT FROM execution_tags AS et WHERE et.execution_id = e.id))
""")

# Walks up the primary key, `window` rows at a time.
STEP = sql.SQL("""
    WITH reached AS (
        SELECT e.id, e.created_at
          FROM executions AS e
         WHERE e.id > %(after)s
         ORDER BY e.id
         LIMIT %(window)s),
    old AS (
        SELECT e.id
          FROM executions AS e
          JOIN reached AS r ON r.id = e.id
         WHERE {prunable}
           AND (e.stopped_at < statement_timestamp() - make_interval(secs => %(age_seconds)s) OR e.id <= %(up_to)s)
           FOR UPDATE OF e SKIP LOCKED),
    deleted AS (
        DELETE FROM executions AS e USING old WHERE e.id = old.id RETURNING e.id)
    SELECT (SELECT count(*) FROM deleted),
           (SELECT max(r.id) FROM reached AS r),
           (SELECT bool_or(r.created_at < statement_timestamp() - make_interval(secs => %(age_seconds)s)
                           OR r.id <= %(up_to)s) FROM reached AS r)
""").format(prunable=PRUNABLE)

# Uses the primary key alone; run once a round.
NEWEST_TO_PRUNE = """
    SELECT e.id
      FROM executions AS e
     ORDER BY e.id DESC
    OFFSET %(keep)s
     LIMIT 1
"""

# Every workflow that has executions, one look at the index executions_of_workflow each.
WORKFLOWS = """
    WITH RECURSIVE found AS (
        (SELECT e.workflow_id FROM executions AS e ORDER BY e.workflow_id LIMIT 1)
        UNION ALL
        SELECT (SELECT e.workflow_id FROM executions AS e WHERE e.workflow_id > f.workflow_id
                 ORDER BY e.workflow_id LIMIT 1)
          FROM found AS f
         WHERE f.workflow_id IS NOT NULL)
    SELECT f.workflow_id FROM found AS f WHERE f.workflow_id IS NOT NULL
"""

WORKFLOWS_SINCE = """
    SELECT DISTINCT e.workflow_id
      FROM executions AS e
     WHERE e.id > %(after)s
"""

NEWEST = "SELECT coalesce(max(e.id), 0) FROM executions AS e"

LAST_OF_PAGE = sql.SQL("SELECT count(*), min(page.id) FROM ({page}) AS page")

OF_WORKFLOW = sql.SQL("""
    WITH reached AS MATERIALIZED (
        SELECT page.id FROM ({page}) AS page),
    old AS (
        SELECT e.id
          FROM executions AS e
         WHERE e.id = ANY(ARRAY(SELECT r.id FROM reached AS r))
           AND {prunable}
           FOR UPDATE OF e SKIP LOCKED),
    deleted AS (
        DELETE FROM executions AS e USING old WHERE e.id = old.id RETURNING e.id)
    SELECT (SELECT count(*) FROM deleted), count(*), min(r.id) FROM reached AS r
""")

FOR_EVER = 1e10  # seconds


@dataclass(frozen=True, slots=True)
class Step:
    """`deleted` executions; the next step goes on after id `reached`, None when nothing old is left."""

    deleted: int
    reached: int | None


def take_turn(connection: Connection, holder: UUID) -> bool:
    """Whether this pruner may do the next step, in this transaction; False: another one is at work."""
    return bool(scalar(connection, TAKE_TURN, {"holder": holder, "seconds": TURN_SECONDS}))


def newest_to_prune(connection: Connection, keep: int) -> int:
    """The newest execution that is not among the last `keep`; 0 when there are no more than that."""
    return int(scalar(connection, NEWEST_TO_PRUNE, {"keep": keep}) or 0)


def prune(connection: Connection, *, after: int, age_seconds: float | None, up_to: int = 0, window: int = 500) -> Step:
    """Look at the next `window` executions after id `after`, delete those that are old.

    Old is what ended more than `age_seconds` ago, and what has an id of `up_to` or less.
    """
    parameters = {
        "after": after,
        "window": window,
        "up_to": up_to,
        "age_seconds": FOR_EVER if age_seconds is None else age_seconds,
    }
    row = connection.execute(STEP, parameters).fetchone()
    assert row is not None
    deleted, reached, some_old = row
    counters.count_deleted(connection, deleted, by="pruning")
    return Step(deleted, reached if some_old else None)


@dataclass(frozen=True, slots=True)
class RecentWorkflows:
    """Ids of workflows that ran, and the newest execution that there was."""

    ids: tuple[str, ...]
    newest: int


def workflows_since(connection: Connection, after: int | None) -> RecentWorkflows:
    """The workflows that have executions above id `after` (None: any at all)."""
    newest = int(scalar(connection, NEWEST))
    rows = connection.execute(WORKFLOWS if after is None else WORKFLOWS_SINCE, {"after": after})
    return RecentWorkflows(tuple(workflow_id for (workflow_id,) in rows), newest)


def newest_to_prune_of(connection: Connection, workflow_id: str, keep: int) -> int | None:
    """The newest execution of the workflow that is not among its last `keep`; None when there are no more."""
    page, parameters = page_statement(ExecutionFilter(workflow_ids=(workflow_id,)), limit=keep + 1)
    [(number, last)] = connection.execute(LAST_OF_PAGE.format(page=page), parameters, prepare=False).fetchall()
    return last if number > keep else None


def prune_workflow(connection: Connection, workflow_id: str, *, before: int, window: int = 500) -> Step:
    """Look at the workflow's newest `window` executions below id `before` and delete those that have ended."""
    page, parameters = page_statement(ExecutionFilter(workflow_ids=(workflow_id,)), limit=window, before=before)
    statement = OF_WORKFLOW.format(page=page, prunable=PRUNABLE)
    [(deleted, number, last)] = connection.execute(statement, parameters, prepare=False).fetchall()
    counters.count_deleted(connection, deleted, by="pruning")
    return Step(deleted, last if number == window else None)
