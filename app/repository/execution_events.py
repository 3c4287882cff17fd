"""What begins, changes and ends, for who watches (sql/0035.execution_events.sql).

What is queued or runs is seen by looking at it. What ends or begins to wait would be seen no more: whoever ends it
notes it in the same transaction, while somebody watches. Without a watcher that is one look at a table of one row for
each statement, however many executions it ends; nobody is notified, as that would let all commits wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors as pg
from psycopg import sql

from app.repository.connection import Connection

MAX_NOTED = 1_000
"""Executions of one transaction that are named; of more it is only told that there were many."""
MAX_SEEN = 500
"""Executions of one look that are named."""
MAX_RUNNING = 5_000
MAX_CREATION_SECONDS = 30
"""What is queued is seen when the transaction ends that queues it, so long after its time at most."""
WATCHED_SECONDS = 60.0
"""After its last word a watcher is believed to watch for so long, and what was noted is kept."""

WATCHED = sql.SQL("EXISTS (SELECT FROM execution_watch AS w WHERE w.until > statement_timestamp())")

NOTE = (
    sql.SQL("""
    INSERT INTO execution_events (ids)
    SELECT %(ids)s::bigint[]
     WHERE {watched}
""")
    .format(watched=WATCHED)
    .as_string()
)

WATCH = """
    INSERT INTO execution_watch AS w (id, until)
    VALUES (true, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (id) DO UPDATE SET until = EXCLUDED.until
"""

# Uses execution_events_by_xid, and executions_in_flight twice. The look and the snapshot are of the same moment.
LOOK = """
    WITH fresh AS (
        SELECT v.ids
          FROM execution_events AS v
         WHERE v.xid >= pg_snapshot_xmin(%(after)s::text::pg_snapshot)
           AND NOT pg_visible_in_snapshot(v.xid, %(after)s::text::pg_snapshot))
    SELECT pg_current_snapshot()::text, floor(extract(epoch FROM clock_timestamp()))::bigint,
           (SELECT coalesce(bool_or(f.ids IS NULL), false) FROM fresh AS f),
           ARRAY(SELECT DISTINCT i.id
                   FROM fresh AS f
                  CROSS JOIN LATERAL unnest(f.ids) AS i (id)
                  LIMIT %(most)s),
           ARRAY(SELECT e.id
                   FROM executions AS e
                  WHERE e.status = 'running' AND (%(told)s OR e.started_at >= to_timestamp(%(since)s))
                  ORDER BY e.id DESC
                  LIMIT %(most_running)s),
           ARRAY(SELECT e.id
                   FROM executions AS e
                  WHERE e.status = 'new'
                    AND e.id >= (SELECT first_execution_created_from(to_timestamp(%(since)s) - interval '2 seconds'))
                  ORDER BY e.id DESC
                  LIMIT %(most)s)
"""

NOW = "SELECT pg_current_snapshot()::text, floor(extract(epoch FROM clock_timestamp()))::bigint"

FORGET = """
    DELETE FROM execution_events AS v
     WHERE v.noted_at < statement_timestamp() - make_interval(secs => %(seconds)s)
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the database: its snapshot, as PostgreSQL writes it, and the time in Unix seconds."""

    snapshot: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Look:
    """What has changed since another moment; None for `ids`: too much to tell, or nobody knows any more.

    `running` and `queued`: what was told of now, and need not be told when it is seen again.
    """

    at: Moment
    ids: tuple[int, ...] | None
    running: frozenset[int] = frozenset()
    queued: frozenset[int] = frozenset()


def note(connection: Connection, ids: Sequence[int]) -> None:
    """Tell who watches that this transaction has ended these executions, or let them wait."""
    if ids:
        connection.execute(NOTE, {"ids": list(ids) if len(ids) <= MAX_NOTED else None})


def watch(connection: Connection) -> None:
    """Say that somebody watches; to be said again before WATCHED_SECONDS are over."""
    connection.execute(WATCH, {"seconds": WATCHED_SECONDS})


def now(connection: Connection) -> Moment:
    """The state of the database."""
    return Moment(*connection.execute(NOW).fetchone() or ("", 0))


def look(connection: Connection, after: Moment, before: Look | None = None) -> Look:
    """What has changed since a moment, which anybody may have made up, or since a look `before` at that moment."""
    since = max(after.seconds - (0 if before is None else MAX_CREATION_SECONDS), 0)
    values = {"after": after.snapshot, "since": since, "told": before is not None}
    try:
        row = connection.execute(LOOK, {**values, "most": MAX_SEEN + 1, "most_running": MAX_RUNNING}).fetchone()
    except pg.DataError:
        return Look(now(connection), None)
    assert row is not None
    at, many = Moment(*row[:2]), row[2]
    ended, running, queued = (frozenset(ids) for ids in row[3:])
    begun = running | queued if before is None else (running - before.running) | (queued - before.queued)
    ids = ended | begun
    known = not many and len(ids) <= MAX_SEEN and 0 <= at.seconds - after.seconds < WATCHED_SECONDS
    return Look(at, tuple(sorted(ids)) if known else None, running, queued)


def forget_old(connection: Connection) -> None:
    """Drop what everybody who watches has seen."""
    connection.execute(FORGET, {"seconds": WATCHED_SECONDS})
