"""How many executions ended and how long they took, added up by minute, hour and day (sql/0027.execution_totals.sql).

Whoever ends executions appends a few rows in the same transaction and waits for nobody; one worker at a time adds them
up. Readers (app/repository/execution_stats.py) look at both, so that what they see is never late.
"""

from collections.abc import Sequence

from psycopg import sql

from app.repository.connection import Connection, scalar
from app.repository.failure_patterns import MAX_MESSAGE_LENGTH

MAX_ROWS = 10_000
BACKFILL_WINDOW = 5_000
MINUTES_KEPT, HOURS_KEPT, DAYS_KEPT = 2, 90, 1_826
"""For how many days totals of each unit are kept."""
KEPT_DAYS = {"minutes_kept": MINUTES_KEPT, "hours_kept": HOURS_KEPT, "days_kept": DAYS_KEPT}

# Of what has just ended; also a part of the statements that end it (lifecycle/finish_statements.py).
COUNT = sql.SQL("""
    INSERT INTO execution_ends (minute, project_id, workflow_id, mode, status, bucket, number)
    SELECT date_trunc('minute', e.stopped_at), e.project_id, e.workflow_id, e.mode, e.status,
           duration_bucket(e.started_at, e.stopped_at), count(*)
      FROM {source}
     WHERE {wanted} AND e.stopped_at IS NOT NULL
     GROUP BY 1, 2, 3, 4, 5, 6
""")

# As COUNT does it for a single one, which has nothing to be added up.
COUNT_ONE = sql.SQL("""
    INSERT INTO execution_ends (minute, project_id, workflow_id, mode, status, bucket, number)
    SELECT date_trunc('minute', e.stopped_at), e.project_id, e.workflow_id, e.mode, e.status,
           duration_bucket(e.started_at, e.stopped_at), 1
      FROM {source}
     WHERE {wanted} AND e.stopped_at IS NOT NULL
""")

# Of an array that is told beforehand the planner counts the elements: it would plan anew for every few executions,
# which takes several times as long as to append them.
THESE = sql.SQL("e.id = ANY(ARRAY(SELECT unnest(%(ids)s::bigint[])))")
APPEND = COUNT.format(source=sql.SQL("executions AS e"), wanted=THESE).as_string()

TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('execution totals', 0))"

# In the order of the key. What is older than its unit is kept goes into the larger ones alone.
ADD_UP = """
    WITH taken AS (
        DELETE FROM execution_ends AS d
         WHERE d.ctid = ANY(ARRAY(SELECT n.ctid FROM execution_ends AS n LIMIT %(limit)s))
        RETURNING d.minute, d.project_id, d.workflow_id, d.mode, d.status, d.bucket, d.number),
    cells AS (
        SELECT u.unit, date_trunc(u.unit, k.minute, 'UTC') AS begins_at, k.workflow_id, k.mode, k.status, k.project_id,
               k.bucket, sum(k.number) AS number
          FROM taken AS k
          JOIN (VALUES ('minute', %(minutes_kept)s::int), ('hour', %(hours_kept)s), ('day', %(days_kept)s))
            AS u (unit, kept) ON k.minute > now() - make_interval(days => u.kept)
         GROUP BY 1, 2, 3, 4, 5, 6, 7),
    added AS (
        INSERT INTO execution_totals AS t (unit, begins_at, workflow_id, mode, status, project_id, buckets, numbers)
        SELECT c.unit, c.begins_at, c.workflow_id, c.mode, c.status, c.project_id,
               array_agg(c.bucket ORDER BY c.bucket), array_agg(c.number ORDER BY c.bucket)
          FROM cells AS c
         GROUP BY 1, 2, 3, 4, 5, 6
         ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (unit, begins_at, workflow_id, mode, status, project_id) DO UPDATE
           SET (buckets, numbers) = (
               SELECT array_agg(s.bucket ORDER BY s.bucket), array_agg(s.number ORDER BY s.bucket)
                 FROM (SELECT both_of.bucket, sum(both_of.number)::bigint AS number
                         FROM (SELECT a.bucket, a.number FROM unnest(t.buckets, t.numbers) AS a (bucket, number)
                                UNION ALL
                               SELECT b.bucket, b.number
                                 FROM unnest(EXCLUDED.buckets, EXCLUDED.numbers) AS b (bucket, number)) AS both_of
                        GROUP BY both_of.bucket) AS s))
    SELECT count(*) FROM taken
"""

FORGET = """
    DELETE FROM execution_totals AS t
     USING (VALUES ('minute', %(minutes_kept)s::int), ('hour', %(hours_kept)s), ('day', %(days_kept)s))
        AS u (unit, kept)
     WHERE t.unit = u.unit AND t.begins_at < now() - make_interval(days => u.kept)
"""

# Only the first worker that comes finds something to set; it has not ended anything yet.
BEGIN = """
    UPDATE execution_backfill AS b
       SET ended_before = clock_timestamp(), below = (SELECT max(e.id) + 1 FROM executions AS e)
     WHERE b.ended_before IS NULL
"""

# Walks down the primary key, `window` rows at a time.
BACKFILL = """
    WITH reached AS (
        SELECT e.id, e.stopped_at, e.project_id, e.workflow_id, e.mode, e.status,
               duration_bucket(e.started_at, e.stopped_at) AS bucket, e.workflow_version_id, e.error_node,
               left(e.error_message, %(longest)s) AS message, e.retry_success_id IS NOT NULL AS is_mended
          FROM executions AS e
         WHERE e.id < %(below)s
         ORDER BY e.id DESC
         LIMIT %(window)s),
    appended AS (
        INSERT INTO execution_ends (minute, project_id, workflow_id, mode, status, bucket, number)
        SELECT date_trunc('minute', r.stopped_at), r.project_id, r.workflow_id, r.mode, r.status, r.bucket, count(*)
          FROM reached AS r
         WHERE r.stopped_at < %(ended_before)s
         GROUP BY 1, 2, 3, 4, 5, 6),
    failed AS (
        INSERT INTO execution_failures (execution_id, project_id, workflow_id, version_id, node, message, failed_at)
        SELECT r.id, r.project_id, r.workflow_id, r.workflow_version_id, r.error_node, r.message, r.stopped_at
          FROM reached AS r
         WHERE r.stopped_at < %(ended_before)s AND r.status IN ('error', 'crashed')),
    mended AS (
        INSERT INTO mended_failures (execution_id)
        SELECT r.id
          FROM reached AS r
         WHERE r.stopped_at < %(ended_before)s AND r.status IN ('error', 'crashed') AND r.is_mended)
    SELECT count(*), min(r.id) FROM reached AS r
"""

LEFT_TO_BACKFILL = """
    SELECT b.below, b.ended_before
      FROM execution_backfill AS b
     WHERE b.ended_before IS NOT NULL
       FOR UPDATE SKIP LOCKED
"""

ADVANCE = "UPDATE execution_backfill AS b SET below = %(below)s"
END_BACKFILL = "DELETE FROM execution_backfill"


def append(connection: Connection, ids: Sequence[int]) -> None:
    """Count executions that this transaction has ended, or brought in ended; the others of `ids` are passed over."""
    if ids:
        connection.execute(APPEND, {"ids": list(ids)})


def add_up(connection: Connection, *, limit: int = MAX_ROWS) -> bool:
    """Add up what was appended, at most `limit` rows; whether there may be more. One worker at a time does it."""
    if not scalar(connection, TAKE_TURN):
        return False
    return bool(scalar(connection, ADD_UP, {"limit": limit, **KEPT_DAYS}) == limit)


def forget_old(connection: Connection) -> None:
    """Drop totals of small units that are older than these are kept; those of larger ones say the same."""
    connection.execute(FORGET, KEPT_DAYS)


def begin(connection: Connection) -> None:
    """Say that from now on workers count what ends; what had ended before is left to `backfill`."""
    connection.execute(BEGIN)


def backfill(connection: Connection, *, window: int = BACKFILL_WINDOW) -> bool:
    """Count the next `window` of the executions that ended before anybody counted; whether there may be more."""
    left = connection.execute(LEFT_TO_BACKFILL).fetchone()
    if left is None:
        return False
    below, ended_before = left
    values = {"below": below, "ended_before": ended_before, "window": window, "longest": MAX_MESSAGE_LENGTH}
    number, lowest = connection.execute(BACKFILL, values).fetchone() or (0, None)
    if number < window:
        connection.execute(END_BACKFILL)
    else:
        connection.execute(ADVANCE, {"below": lowest})
    return bool(number == window)
