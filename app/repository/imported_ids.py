"""Ids and times of imported executions: both grow together, as lists find a time by halving the ids."""

from datetime import datetime

from app.repository.connection import Connection, scalar

# Ids from here on are this program's own.
NEXT_ID = """
    SELECT setval(s.name, greatest((SELECT max(e.id) FROM executions AS e), nextval(s.name::regclass)))
      FROM (SELECT pg_get_serial_sequence('executions', 'id') AS name) AS s
"""

NEIGHBOURS = """
    SELECT (SELECT e.created_at FROM executions AS e WHERE e.id < %(id)s ORDER BY e.id DESC LIMIT 1),
           (SELECT e.created_at FROM executions AS e WHERE e.id > %(id)s ORDER BY e.id LIMIT 1)
"""

CREATED_AT = """
    SELECT e.created_at
      FROM executions AS e
     WHERE e.id <= %(id)s
     ORDER BY e.id DESC
     LIMIT 1
"""


def fit_time(connection: Connection, execution_id: int, created_at: datetime) -> datetime:
    """The time, moved between those of the executions that stand before and after this id."""
    before, after = connection.execute(NEIGHBOURS, {"id": execution_id}).fetchone() or (None, None)
    latest = created_at if after is None else min(created_at, after)
    return latest if before is None else max(latest, before)


def created_at(connection: Connection, execution_id: int) -> datetime | None:
    """When the newest execution up to this id was created; None where there is none."""
    created: datetime | None = scalar(connection, CREATED_AT, {"id": execution_id})
    return created


def start_own_ids(connection: Connection) -> None:
    """Let the next execution that is made here have a higher id than all that came in."""
    if scalar(connection, "SELECT EXISTS (SELECT FROM executions)"):
        connection.execute(NEXT_ID)
