"""Old executions are deleted in small steps, by one pruner at a time, so that nobody waits for it."""

from dataclasses import dataclass

from app.repository.connection import Connection
from app.repository.execution_counts import scalar

LOCK_ID = 0x7072756E  # of the advisory lock that a step holds

TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s)"

# Walks up the primary key, `window` rows at a time. What is annotated stays, as in n8n; so does what still runs
# or waits. Rows that somebody else has locked are left for the next round.
STEP = """
    WITH reached AS (
        SELECT e.id, e.status, e.stopped_at, e.created_at, e.vote
          FROM executions AS e
         WHERE e.id > %(after)s
         ORDER BY e.id
         LIMIT %(window)s),
    old AS (
        SELECT e.id
          FROM executions AS e
          JOIN reached AS r ON r.id = e.id
         WHERE e.status IN ('success', 'error', 'canceled', 'crashed')
           AND (e.stopped_at < clock_timestamp() - make_interval(secs => %(age_seconds)s) OR e.id <= %(up_to)s)
           AND e.vote IS NULL
           AND NOT (e.tagged AND EXISTS (SELECT FROM execution_tags AS et WHERE et.execution_id = e.id))
           FOR UPDATE OF e SKIP LOCKED),
    deleted AS (
        DELETE FROM executions AS e USING old WHERE e.id = old.id RETURNING e.id)
    SELECT (SELECT count(*) FROM deleted),
           (SELECT max(r.id) FROM reached AS r),
           (SELECT bool_or(r.created_at < clock_timestamp() - make_interval(secs => %(age_seconds)s)
                           OR r.id <= %(up_to)s) FROM reached AS r)
"""

# Uses the primary key alone; run once a round.
NEWEST_TO_PRUNE = """
    SELECT e.id
      FROM executions AS e
     ORDER BY e.id DESC
    OFFSET %(keep)s
     LIMIT 1
"""

FOR_EVER = 1e10  # seconds


@dataclass(frozen=True, slots=True)
class Step:
    """`deleted` executions; the next step goes on after id `reached`, None when nothing old is left."""

    deleted: int
    reached: int | None


def newest_to_prune(connection: Connection, keep: int) -> int:
    """The newest execution that is not among the last `keep`; 0 when there are no more than that."""
    return int(scalar(connection, NEWEST_TO_PRUNE, {"keep": keep}) or 0)


def prune(
    connection: Connection, *, after: int, age_seconds: float | None, up_to: int = 0, window: int = 500
) -> Step | None:
    """Look at the next `window` executions after id `after`, delete those that are old.

    Old is what ended more than `age_seconds` ago, and what has an id of `up_to` or less. None: another pruner is
    at work.
    """
    if not scalar(connection, TRY_LOCK, {"lock": LOCK_ID}):
        return None
    parameters = {
        "after": after,
        "window": window,
        "up_to": up_to,
        "age_seconds": FOR_EVER if age_seconds is None else age_seconds,
    }
    row = connection.execute(STEP, parameters).fetchone()
    assert row is not None
    deleted, reached, some_old = row
    return Step(deleted, reached if some_old else None)
