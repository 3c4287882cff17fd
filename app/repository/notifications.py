"""Hints from PostgreSQL that something is to do. A hint may be lost; polling is the guarantee."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg

from app.repository.connection import session_options
from app.repository.lifecycle import STOP_CHANNEL

LISTEN_NEW = "LISTEN executions_new"
LISTEN_STOP = "LISTEN executions_stop"


@dataclass(frozen=True, slots=True)
class Hint:
    """`stopped` is the id of an execution that was stopped while a worker held it; None: something is queued."""

    stopped: int | None


async def listen(database_url: str) -> AsyncIterator[Hint]:
    """Yield hints as they come, on a connection of its own. Raises psycopg.OperationalError when it breaks."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True, **session_options(database_url))
    async with connection:
        await connection.execute(LISTEN_NEW)
        await connection.execute(LISTEN_STOP)
        yield Hint(stopped=None)  # what was queued before this moment was not announced to us
        async for notify in connection.notifies():
            yield Hint(stopped=int(notify.payload) if notify.channel == STOP_CHANNEL else None)
