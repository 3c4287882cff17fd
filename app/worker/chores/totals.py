"""Adds up what ended and groups what failed, and bit by bit what had ended before anybody counted."""

import time

from app.repository import execution_totals, failure_groups
from app.worker.chores.chore import Chore, about
from app.worker.database import Database

PAUSE_SECONDS = 2.0  # readers look at what was not added up yet, too
PAUSE_SHARE = 1.0  # how many times as long as a step took the pause after it is, while there is more


def totals(database: Database) -> Chore:
    """One worker's turns at adding up; others that come at the same moment leave it to this one."""

    async def step() -> float:
        began = time.monotonic()
        more_before = await database.transact(execution_totals.backfill)
        more = [await database.transact(work) for work in (execution_totals.add_up, failure_groups.group_some)]
        return (time.monotonic() - began) * PAUSE_SHARE if more_before or any(more) else about(PAUSE_SECONDS)

    return Chore("totals", step)
