"""How far a replica has come, and how far it must have come to answer a caller.

Positions are those of PostgreSQL's write-ahead log, as text. A replica that has replayed a position shows everything
that was committed when the primary was there.
"""

from dataclasses import dataclass

from app.repository.connection import Connection, scalar

NOTED_SECONDS = 2.0
NOBODY = 0  # is no key's id

# The position of what is written, not of what is on disk: with synchronous_commit off a commit is acknowledged before.
POSITION = """
    SELECT pg_current_wal_insert_lsn()::text,
           EXISTS (SELECT FROM api_keys AS k
                    WHERE k.id = %(api_key_id)s
                      AND k.wrote_at > statement_timestamp() - make_interval(secs => %(seconds)s))
"""

# False on a server that is no replica, or no longer.
HAS_REPLAYED = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %(position)s::pg_lsn"

# At most one write in NOTED_SECONDS a key, however often it writes and through however many processes.
NOTE_WRITE = """
    UPDATE api_keys AS k
       SET wrote_at = clock_timestamp()
     WHERE k.id = %(api_key_id)s
       AND (k.wrote_at IS NULL OR k.wrote_at < statement_timestamp() - make_interval(secs => %(noted)s))
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the primary is, and whether the caller changed something within the seconds that were asked about."""

    reached: str
    wrote_lately: bool


def primary_position(connection: Connection, api_key_id: int, *, seconds: float) -> Position:
    """Where the primary is now. A write of up to NOTED_SECONDS more ago may count as lately too little."""
    row = connection.execute(POSITION, {"api_key_id": api_key_id, "seconds": seconds}).fetchone()
    assert row is not None
    return Position(*row)


def has_replayed(connection: Connection, position: str) -> bool:
    """Whether this is a replica that shows everything up to a position of its primary."""
    return bool(scalar(connection, HAS_REPLAYED, {"position": position}))


def note_write(connection: Connection, api_key_id: int) -> None:
    """Note, to NOTED_SECONDS, that this caller changes something now."""
    connection.execute(NOTE_WRITE, {"api_key_id": api_key_id, "noted": NOTED_SECONDS})
