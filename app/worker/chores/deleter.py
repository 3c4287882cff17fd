"""Deletes what was asked to be deleted in the background: a small step, a longer pause, until no job is left."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import ConnectionPool

from app.repository import deletion_jobs
from app.repository.connection import Connection, transaction

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
PAUSE_SHARE = 1.0  # how many times as long as a step took the pause after it is: somebody waits for the end

InThread = Callable[[Callable[[], int | None]], Awaitable[int | None]]


async def delete_in_background(pool: ConnectionPool[Connection], in_thread: InThread) -> None:
    """Take turns with the other workers at deleting, until cancelled."""

    def step() -> int | None:
        with transaction(pool) as connection:
            return deletion_jobs.delete_some(connection)

    while True:
        pause = LOOK_SECONDS * random.uniform(0.8, 1.2)
        began = time.monotonic()
        try:
            if await in_thread(step) is not None:
                pause = (time.monotonic() - began) * PAUSE_SHARE
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("no deleting for now", extra={"reason": str(error).strip()})
        await asyncio.sleep(pause)
