"""Locks by which the threads of a process change one object in turn: calls that would wait for each other's row in
PostgreSQL wait before they take a connection, so that many of them leave connections to all others."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.api.face.long_calls import place_of
from app.api.face.services import database, services
from app.repository.connection import Connection

PATIENCE_SECONDS = 3.0
"""So long a call waits for its turn, as for a connection."""
BUSY = "Too many calls change this at the moment"


@contextmanager
def changing(object_id: str) -> Iterator[Connection]:
    """A transaction that changes this object, the only one of this process. Raises Refused (503) when no turn comes."""
    turn = services().long_calls.changes.taken(object_id, PATIENCE_SECONDS)
    with place_of(turn, BUSY, retry_after=1), database() as connection:
        yield connection
