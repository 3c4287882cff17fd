"""Adds up what ended and groups what failed, and bit by bit what had ended before anybody counted."""

import time

from app.repository import execution_totals, failure_groups
from app.repository.failure_groups import KnownProblems
from app.worker.chores.chore import Chore, about
from app.worker.database import Database

PAUSE_SECONDS = 2.0  # readers look at what was not added up yet, too
PAUSE_SHARE = 1.0  # how many times as long as a step took the pause after it is, while there is more


def totals(database: Database, known: KnownProblems) -> Chore:
    """One worker's turns at adding up; others that come at the same moment leave it to this one. `known` learns."""

    async def step() -> float:
        began = time.monotonic()
        more_before = await database.transact(execution_totals.backfill)
        more_ends = await database.transact(execution_totals.add_up)
        more_failures = await database.transact(failure_groups.group_some, known=known)
        more = more_before or more_ends or more_failures
        return (time.monotonic() - began) * PAUSE_SHARE if more else about(PAUSE_SECONDS)

    return Chore("totals", step)
