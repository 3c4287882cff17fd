"""Prunes old executions while the worker works: a small step, a longer pause, and so on to the end of what is old."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import ConnectionPool

from app.repository import pruning
from app.repository.connection import Connection, transaction
from app.settings import Settings

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
PAUSE_SHARE = 3.0  # how many times as long as a step took the pause after it is

InThread = Callable[[Callable[[], pruning.Step | None]], Awaitable[pruning.Step | None]]


class Pruner:
    """One worker's turn at pruning; whichever worker holds the lock does a step, the others try again later."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection]) -> None:
        self._age = None if settings.prune_age_hours is None else settings.prune_age_hours * 3600
        self._keep = settings.prune_keep
        self._pool = pool
        self._after = 0
        self._up_to = 0

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for pruning at all."""
        return self._age is not None or self._keep is not None

    async def run(self, in_thread: InThread) -> None:
        """Prune, round after round, until cancelled."""
        while self.wanted:
            try:
                deleted = await self._round(in_thread)
                if deleted:
                    log.info("pruned", extra={"deleted": deleted})
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("no pruning for now", extra={"reason": str(error).strip()})
            await asyncio.sleep(ROUND_SECONDS * random.uniform(0.8, 1.2))

    async def _round(self, in_thread: InThread) -> int:
        """From the oldest execution to the first that is not old; returns how many were deleted."""
        self._after, deleted = 0, 0
        while True:
            began = time.monotonic()
            step = await in_thread(self._step)
            if step is None:
                return deleted
            deleted += step.deleted
            if step.reached is None:
                return deleted
            self._after = step.reached
            await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)

    def _step(self) -> pruning.Step | None:
        with transaction(self._pool) as connection:
            if self._keep is not None and self._after == 0:
                self._up_to = pruning.newest_to_prune(connection, self._keep)
            return pruning.prune(connection, after=self._after, age_seconds=self._age, up_to=self._up_to)
