"""Connects to a PostgreSQL server that is not trusted: in a thread, with limits on time and on bytes.

libpq computes the proof of a password in as many rounds as the server asks for, in one step that may take an hour and
that nothing ends. So each project has a few places for that, and a place is free once its thread has ended.
"""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import generators
from psycopg.pq.abc import PGconn

from app.engine.run.computing import compute
from app.outgoing.sockets import Arrived

MAX_GREETING_BYTES = 2**17
"""What a server may send until it has let us in: certificates, and a few settings, each of which libpq keeps in a list
that it goes through for the next one."""

MOST_AT_ONCE = 8
"""Connections of one project that are being made by one worker, with those that nobody waits for any more."""
LOOK_SECONDS = 0.05


class _Place:
    """One of a project's; the thread that connects has it, and it is free when nobody has it any more."""

    def __init__(self, project: str) -> None:
        self.project = project


_places: WeakSet[_Place] = WeakSet()


class BoundedConnection(psycopg.Connection[Any]):
    """Connects in a thread; what it gives is for a loop to use."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, psycopg.AsyncConnection[Any]]:  # type: ignore[override]
        """As psycopg's, with `connect_in_few_bytes`."""
        return psycopg.AsyncConnection((yield from connect_in_few_bytes(conninfo)))


def connect_in_few_bytes(conninfo: str) -> Generator[Any, Any, PGconn]:
    """psycopg's work of connecting. Raises psycopg.OperationalError for a server that sends too much before it lets
    us in."""
    work, ready = generators.connect(conninfo), None
    while True:
        try:
            wanted = work.send(ready)
        except StopIteration as end:
            made: PGconn = end.value
            return made
        with contextlib.closing(Arrived(wanted[0])) as arrived:  # libpq may take another socket for the next step
            if arrived() > MAX_GREETING_BYTES:
                raise psycopg.OperationalError("The server sends too much before it lets anybody in")
        ready = yield wanted


async def connect(parameters: dict[str, Any], seconds: float, *, project: str) -> psycopg.AsyncConnection[Any]:
    """A connection in autocommit mode, by psycopg's parameters. Raises psycopg.OperationalError, also where there is
    none after so many seconds; what libpq still computes by then goes on in its thread, in a place of the project."""
    try:
        async with asyncio.timeout(seconds):
            return await compute(_connect, parameters, [await _take_place(project)])
    except TimeoutError as error:
        raise psycopg.errors.ConnectionTimeout("connection timeout expired") from error


async def _take_place(project: str) -> _Place:
    while sum(place.project == project for place in _places) >= MOST_AT_ONCE:
        await asyncio.sleep(LOOK_SECONDS)
    place = _Place(project)
    _places.add(place)
    return place


def _connect(parameters: dict[str, Any], places: list[_Place]) -> psycopg.AsyncConnection[Any]:
    place = places.pop()  # this thread alone has it from here on, and no traceback of whoever waits
    try:
        made: Any = BoundedConnection.connect(autocommit=True, **parameters)
        connection: psycopg.AsyncConnection[Any] = made
        return connection
    finally:
        del place
