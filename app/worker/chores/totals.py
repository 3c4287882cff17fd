"""Adds up what ended, groups what failed and finds it by its words; bit by bit what had ended before, too."""

from app.repository import execution_totals, failure_groups, failure_words
from app.repository.known_problems import KnownProblems
from app.worker.chores.chore import Chore, chore_in_steps
from app.worker.database import Database

LOOK_SECONDS = 2.0  # readers look at what was not added up yet, too


def totals(database: Database, known: KnownProblems) -> Chore:
    """One worker's turns at adding up; others that come at the same moment leave it to this one. `known` learns."""

    async def add_up() -> bool:
        more_before = await database.transact(execution_totals.backfill)
        more_ends = await database.transact(execution_totals.add_up)
        more_failures = await database.transact(failure_groups.group_some, known=known)
        more_words = await database.transact(failure_words.index_some)
        return more_before or more_ends or more_failures or more_words

    return chore_in_steps("totals", add_up, look_seconds=LOOK_SECONDS)
