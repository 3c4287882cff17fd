"""Connecting to a server that may be anybody's: beside the loop, in bounded time, with few bytes.

libpq computes the proof of a password in as many rounds as the server asks for, in one step that may take an hour.
"""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import generators

from app.engine.run.computing import compute
from app.outgoing.sockets import Arrived

MAX_GREETING_BYTES = 2**17
"""What a server may send until it has let us in: certificates, and a few settings, each of which libpq keeps in a list
that it goes through for the next one."""


class BoundedConnection(psycopg.Connection[Any]):
    """Connects in a thread; what it gives is for a loop to use."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, psycopg.AsyncConnection[Any]]:  # type: ignore[override]
        """As psycopg's. Raises psycopg.OperationalError for a server that sends too much before it lets us in."""
        work, ready = generators.connect(conninfo), None
        while True:
            try:
                wanted = work.send(ready)
            except StopIteration as end:
                return psycopg.AsyncConnection(end.value)
            with contextlib.closing(Arrived(wanted[0])) as arrived:  # libpq may take another socket for the next step
                if arrived() > MAX_GREETING_BYTES:
                    raise psycopg.OperationalError("The server sends too much before it lets anybody in")
            ready = yield wanted


async def connect(parameters: dict[str, Any], seconds: float) -> psycopg.AsyncConnection[Any]:
    """A connection in autocommit mode, by psycopg's parameters. Raises psycopg.OperationalError, also where there is
    none after so many seconds; what libpq still computes by then goes on in its thread."""
    try:
        async with asyncio.timeout(seconds):
            return await compute(_connect, parameters)
    except TimeoutError as error:
        raise psycopg.errors.ConnectionTimeout("connection timeout expired") from error


def _connect(parameters: dict[str, Any]) -> psycopg.AsyncConnection[Any]:
    made: Any = BoundedConnection.connect(autocommit=True, **parameters)
    connection: psycopg.AsyncConnection[Any] = made
    return connection
