"""Wakes a worker at the moment when the wait of some execution is over, between two of its polls."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import ConnectionPool

from app.repository import lifecycle
from app.repository.connection import Connection, transaction

log = logging.getLogger(__name__)

LONGEST_SLEEP = 1.0  # a wait that began since may be over sooner than the next one that is known
SHORTEST_SLEEP = 0.02
OVERDUE_SLEEP = 0.25  # what is due already finds no free place, or is being claimed right now

InThread = Callable[[Callable[[], float | None]], Awaitable[float | None]]


class Alarm:
    """One worker's eye on the waits of all executions; a worker that is woken for nothing claims nothing."""

    def __init__(self, pool: ConnectionPool[Connection], wake: Callable[[], None]) -> None:
        self._pool = pool
        self._wake = wake

    async def run(self, in_thread: InThread) -> None:
        """Call `wake` whenever a wait is over, until cancelled."""
        while True:
            try:
                seconds = await in_thread(self._seconds_to_next_wait)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("no alarm for now", extra={"reason": str(error).strip()})
                seconds = None
            if seconds is None or seconds > LONGEST_SLEEP:
                await asyncio.sleep(LONGEST_SLEEP)
                continue
            await asyncio.sleep(max(seconds, 0.0))
            self._wake()
            await asyncio.sleep(SHORTEST_SLEEP if seconds > 0 else OVERDUE_SLEEP)

    def _seconds_to_next_wait(self) -> float | None:
        with transaction(self._pool) as connection:
            return lifecycle.seconds_to_next_wait(connection)
