"""The results of statements as they arrive, some rows at a time, so that nobody needs memory for all of them at once.

psycopg itself does so for a single statement only (`stream`); a query of the Postgres node may hold several.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import capabilities, generators, waiting
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from app.engine.nodes.postgres.wire import Wire

T = TypeVar("T")
ROWS_AT_ONCE = 100
LOOK_SECONDS = 0.1
CANCEL_SECONDS = 0.5
"""How long a server has to take in that nobody waits for its answer any more."""
PART = (ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_CHUNK)
COPIES = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)


async def results(connection: psycopg.AsyncConnection[Any], query: bytes, wire: Wire) -> AsyncIterator[PGresult]:
    """What the server answers to one or more statements: rows in parts, and a last part for each statement.

    Raises psycopg.Error for the statement that failed, once the connection can be used again, and what `wire` raises.
    """
    failed: PGresult | None = None
    async with connection.lock:
        await _wait(connection, _send(connection.pgconn, query), wire)
        while (result := await _wait(connection, generators.fetch(connection.pgconn), wire)) is not None:
            if result.status in COPIES:
                raise psycopg.ProgrammingError("COPY cannot be used in a query of this node")
            if result.status == ExecStatus.FATAL_ERROR:
                failed = failed or result
            elif failed is None:
                yield result
    if failed is not None:
        raise psycopg.errors.error_from_result(failed)


async def _wait(connection: psycopg.AsyncConnection[Any], work: PQGen[T], wire: Wire) -> T:
    """What the work gives. Cancelled, it ends at once: psycopg's own way waits for the server for ten seconds."""
    try:
        return await waiting.wait_async(wire.counting(work), connection.pgconn.socket, LOOK_SECONDS)
    except asyncio.CancelledError:
        try:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.cancel_safe(timeout=CANCEL_SECONDS)
        finally:
            await connection.close()
        raise


def _send(pgconn: PGconn, query: bytes) -> PQGen[None]:
    pgconn.send_query(query)
    if capabilities.has_stream_chunked():
        pgconn.set_chunked_rows_mode(ROWS_AT_ONCE)
    else:
        pgconn.set_single_row_mode()
    yield from generators.send(pgconn)


def rows(result: PGresult) -> Iterator[list[tuple[str, int, bytes | None]]]:
    """Each row as (column, type, value) with the values as the server wrote them."""
    names = [(result.fname(place) or b"").decode(errors="replace") for place in range(result.nfields)]
    types = [result.ftype(place) for place in range(result.nfields)]
    for row in range(result.ntuples):
        yield [(names[place], types[place], result.get_value(row, place)) for place in range(result.nfields)]
