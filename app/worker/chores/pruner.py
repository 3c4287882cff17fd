"""Prunes old executions while the worker works: a small step, a longer pause, and so on to the end of what is old."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from psycopg_pool import ConnectionPool

from app.repository import pruning
from app.repository.connection import Connection, transaction
from app.settings import Settings

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
PAUSE_SHARE = 3.0  # how many times as long as a step took the pause after it is

T = TypeVar("T")
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class Pruner:
    """One worker's pruning; whichever worker has the turn goes on with it, the others try again later."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection]) -> None:
        self._age = None if settings.prune_age_hours is None else settings.prune_age_hours * 3600
        self._keep = settings.prune_keep
        self._keep_per_workflow = settings.prune_keep_per_workflow
        self._pool = pool
        self._holder = uuid4()
        self._seen: int | None = None  # the newest execution when workflows were last looked at

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for pruning at all."""
        return (self._age, self._keep, self._keep_per_workflow) != (None, None, None)

    async def run(self, in_thread: InThread) -> None:
        """Prune, round after round, until cancelled."""
        while self.wanted:
            try:
                deleted = 0
                if (self._age, self._keep) != (None, None):
                    deleted += await self._oldest(in_thread)
                if self._keep_per_workflow is not None:
                    deleted += await self._each_workflow(in_thread, self._keep_per_workflow)
                if deleted:
                    log.info("pruned", extra={"deleted": deleted})
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("no pruning for now", extra={"reason": str(error).strip()})
            await asyncio.sleep(ROUND_SECONDS * random.uniform(0.8, 1.2))

    async def _oldest(self, in_thread: InThread) -> int:
        """From the oldest execution to the first that is not old; returns how many were deleted."""
        up_to = 0
        if self._keep is not None:
            up_to = await in_thread(partial(self._ask, pruning.newest_to_prune, self._keep))

        def step(connection: Connection, after: int) -> pruning.Step:
            return pruning.prune(connection, after=after, age_seconds=self._age, up_to=up_to)

        deleted, _ = await self._walk(in_thread, step, 0)
        return deleted

    async def _each_workflow(self, in_thread: InThread, keep: int) -> int:
        """All workflows at first, later those that ran since; returns how many executions were deleted."""
        recent = await in_thread(partial(self._ask, pruning.workflows_since, self._seen))
        total = 0
        for workflow_id in recent.ids:
            last = await in_thread(partial(self._ask, pruning.newest_to_prune_of, workflow_id, keep))
            if last is not None:

                def step(connection: Connection, before: int, workflow_id: str = workflow_id) -> pruning.Step:
                    return pruning.prune_workflow(connection, workflow_id, before=before)

                deleted, complete = await self._walk(in_thread, step, last + 1)
                total += deleted
                if not complete:
                    return total
        self._seen = recent.newest
        return total

    async def _walk(
        self, in_thread: InThread, step: Callable[[Connection, int], pruning.Step], begin: int
    ) -> tuple[int, bool]:
        """Step after step with pauses; how many were deleted, and whether it came to its end in this turn."""
        reached, deleted = begin, 0
        while True:
            began = time.monotonic()
            done = await in_thread(partial(self._ask, self._in_turn, step, reached))
            if done is None:
                return deleted, False
            deleted += done.deleted
            if done.reached is None:
                return deleted, True
            reached = done.reached
            await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)

    def _in_turn(
        self, connection: Connection, step: Callable[[Connection, int], pruning.Step], reached: int
    ) -> pruning.Step | None:
        return step(connection, reached) if pruning.take_turn(connection, self._holder) else None

    def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        with transaction(self._pool) as connection:
            return question(connection, *arguments)
