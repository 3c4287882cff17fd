"""What begins, changes and ends, written down while somebody watches (sql/0035.execution_events.sql).

Whoever changes executions notes them in the same transaction. Without a watcher that is one look at a table of one row
for each transaction, however many executions it changes; nobody is notified, as that would let all commits wait for
each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors as pg

from app.repository.connection import Connection

MOST_NOTED = 1_000
"""Executions of one transaction that are named; of more it is only told that there were many."""
MOST_SEEN = 500
"""Executions of one look that are named."""
WATCHED_SECONDS = 60.0
"""After its last word a watcher is believed to watch for so long, and what was noted is kept."""

NOTE = """
    INSERT INTO execution_events (ids)
    SELECT %(ids)s::bigint[]
     WHERE EXISTS (SELECT FROM execution_watch AS w WHERE w.until > clock_timestamp())
"""

WATCH = """
    INSERT INTO execution_watch AS w (id, until)
    VALUES (true, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (id) DO UPDATE SET until = EXCLUDED.until
"""

# Uses execution_events_by_xid. The look and the snapshot are of the same moment.
LOOK = """
    WITH fresh AS (
        SELECT v.ids
          FROM execution_events AS v
         WHERE v.xid >= pg_snapshot_xmin(%(after)s::text::pg_snapshot)
           AND NOT pg_visible_in_snapshot(v.xid, %(after)s::text::pg_snapshot))
    SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::bigint,
           (SELECT coalesce(bool_or(f.ids IS NULL), false) FROM fresh AS f),
           ARRAY(SELECT DISTINCT i.id
                   FROM fresh AS f
                  CROSS JOIN LATERAL unnest(f.ids) AS i (id)
                  LIMIT %(most)s)
"""

NOW = "SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::bigint"

FORGET = """
    DELETE FROM execution_events AS v
     WHERE v.noted_at < clock_timestamp() - make_interval(secs => %(seconds)s)
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the database: its snapshot, as PostgreSQL writes it, and the time in Unix seconds."""

    snapshot: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Look:
    """What has changed since another moment; None for `ids`: too much to tell, or nobody knows any more."""

    at: Moment
    ids: tuple[int, ...] | None


def note(connection: Connection, ids: Sequence[int]) -> None:
    """Tell who watches that this transaction has changed these executions."""
    if ids:
        connection.execute(NOTE, {"ids": list(ids) if len(ids) <= MOST_NOTED else None})


def watch(connection: Connection) -> None:
    """Say that somebody watches; to be said again before WATCHED_SECONDS are over."""
    connection.execute(WATCH, {"seconds": WATCHED_SECONDS})


def now(connection: Connection) -> Moment:
    """The state of the database."""
    return Moment(*connection.execute(NOW).fetchone() or ("", 0))


def look(connection: Connection, after: Moment) -> Look:
    """What has changed since a moment, which anybody may have made up."""
    try:
        row = connection.execute(LOOK, {"after": after.snapshot, "most": MOST_SEEN + 1}).fetchone()
    except pg.DataError:
        return Look(now(connection), None)
    assert row is not None
    snapshot, seconds, many, ids = row
    known = not many and len(ids) <= MOST_SEEN and 0 <= seconds - after.seconds < WATCHED_SECONDS
    return Look(Moment(snapshot, seconds), tuple(ids) if known else None)


def forget_old(connection: Connection) -> None:
    """Drop what everybody who watches has seen."""
    connection.execute(FORGET, {"seconds": WATCHED_SECONDS})
