"""Lets executions go on whose sub-workflow has ended without telling them, just as they began to wait for it."""

from app.repository import lifecycle
from app.worker.chores.chore import Chore, vary_pause
from app.worker.database import Database

ROUND_SECONDS = 5.0


def parents(database: Database) -> Chore:
    """One worker's look at what waits for sub-workflows."""

    async def step() -> float:
        await database.transact(lifecycle.wake_if_over)
        return vary_pause(ROUND_SECONDS)

    return Chore("look at sub-workflows", step)
