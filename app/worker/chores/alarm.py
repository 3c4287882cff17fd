"""Wakes a worker at the moment when the wait of some execution is over, between two of its polls."""

import asyncio
from collections.abc import Callable

from app.repository import lifecycle
from app.worker.chores.chore import Chore
from app.worker.database import Database

MAX_SLEEP = 1.0  # a wait that began since may be over sooner than the next one that is known
MIN_SLEEP = 0.02
OVERDUE_SLEEP = 0.25  # what is due already finds no free place, or is being claimed right now


def alarm(database: Database, wake: Callable[[], None]) -> Chore:
    """One worker's eye on the waits of all executions; a worker that is woken for nothing claims nothing."""

    async def step() -> float:
        seconds = await database.transact(lifecycle.seconds_to_next_wait)
        if seconds is None or seconds > MAX_SLEEP:
            return MAX_SLEEP
        await asyncio.sleep(max(seconds, 0.0))
        wake()
        return MIN_SLEEP if seconds > 0 else OVERDUE_SLEEP

    return Chore("alarm", step)
