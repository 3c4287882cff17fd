"""Prunes old executions while the worker works: a small step, a longer pause, and so on to the end of what is old."""

import asyncio
import logging
import time
from collections.abc import Callable
from uuid import uuid4

from app.repository import pruning
from app.repository.connection import Connection
from app.settings import Settings
from app.worker.chores.chore import Chore, vary_pause
from app.worker.database import Database

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
PAUSE_SHARE = 3.0  # how many times as long as a step took the pause after it is

Prune = Callable[[Connection, int], pruning.Step]


def pruner(settings: Settings, database: Database) -> Chore:
    """One worker's rounds; whichever worker has the turn goes on with it, the others try again later."""
    rounds = Pruner(settings, database)

    async def step() -> float:
        await rounds.prune()
        return vary_pause(ROUND_SECONDS)

    return Chore("pruning", step)


class Pruner:
    """What one worker prunes, and what it knows from round to round."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._age = None if settings.prune_age_hours is None else settings.prune_age_hours * 3600
        self._keep = settings.prune_keep
        self._keep_per_workflow = settings.prune_keep_per_workflow
        self._database = database
        self._holder = uuid4()
        self._seen: int | None = None  # the newest execution when workflows were last looked at

    async def prune(self) -> None:
        """One round: all that the settings ask for, and nothing where they ask for nothing."""
        deleted = 0
        if (self._age, self._keep) != (None, None):
            deleted += await self._oldest()
        if self._keep_per_workflow is not None:
            deleted += await self._each_workflow(self._keep_per_workflow)
        if deleted:
            log.info("pruned", extra={"deleted": deleted})

    async def _oldest(self) -> int:
        """From the oldest execution to the first that is not old; returns how many were deleted."""
        up_to = 0
        if self._keep is not None:
            up_to = await self._database.transact(pruning.newest_to_prune, self._keep)

        def prune(connection: Connection, after: int) -> pruning.Step:
            return pruning.prune(connection, after=after, age_seconds=self._age, up_to=up_to)

        deleted, _ = await self._walk(prune, 0)
        return deleted

    async def _each_workflow(self, keep: int) -> int:
        """All workflows at first, later those that ran since; returns how many executions were deleted."""
        recent = await self._database.transact(pruning.workflows_since, self._seen)
        total = 0
        for workflow_id in recent.ids:
            last = await self._database.transact(pruning.newest_to_prune_of, workflow_id, keep)
            if last is not None:

                def prune(connection: Connection, before: int, workflow_id: str = workflow_id) -> pruning.Step:
                    return pruning.prune_workflow(connection, workflow_id, before=before)

                deleted, complete = await self._walk(prune, last + 1)
                total += deleted
                if not complete:
                    return total
        self._seen = recent.newest
        return total

    async def _walk(self, prune: Prune, begin: int) -> tuple[int, bool]:
        """Step after step with pauses; how many were deleted, and whether it came to its end in this turn."""
        reached, deleted = begin, 0
        while True:
            began = time.monotonic()
            done = await self._database.transact(self._in_turn, prune, reached)
            if done is None:
                return deleted, False
            deleted += done.deleted
            if done.reached is None:
                return deleted, True
            reached = done.reached
            await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)

    def _in_turn(self, connection: Connection, prune: Prune, reached: int) -> pruning.Step | None:
        return prune(connection, reached) if pruning.take_turn(connection, self._holder) else None
