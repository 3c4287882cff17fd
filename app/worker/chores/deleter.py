"""Deletes what was asked to be deleted in the background: a small step, a longer pause, until no job is left."""

import time

from app.repository import deletion_jobs
from app.worker.chores.chore import Chore, about
from app.worker.database import Database

LOOK_SECONDS = 2.0
PAUSE_SHARE = 1.0  # how many times as long as a step took the pause after it is: somebody waits for the end


def deleter(database: Database) -> Chore:
    """One worker's turns at deleting; the others take theirs."""

    async def step() -> float:
        began = time.monotonic()
        if await database.transact(deletion_jobs.delete_some) is None:
            return about(LOOK_SECONDS)
        return (time.monotonic() - began) * PAUSE_SHARE

    return Chore("deleting", step)
