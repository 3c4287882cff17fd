"""How much a worker has room for: its usual places, and those that no project can fill alone."""

import asyncio
import time

from app.engine.run.memory_shares import MemoryShares
from app.repository.lifecycle import NO_EXTRA_PLACES, ExtraPlaces
from app.settings import Settings
from app.worker.held_executions import Held
from app.worker.wake import Wake

LOOK_SECONDS = 0.05
"""Between two looks of a worker without a free place for who may have an extra one."""


class FreePlaces:
    """What is free of one worker's places."""

    def __init__(self, settings: Settings, held: Held, shares: MemoryShares, wake: Wake) -> None:
        """`wake` is set when a look that was too early is due."""
        self._settings = settings
        self._held = held
        self._shares = shares
        self._wake = wake
        self._next_look = 0.0
        self._look_is_planned = False

    def count(self, *, claiming: bool) -> tuple[int, ExtraPlaces]:
        """How many places are free, and which there are beyond the usual ones; none unless `claiming`.

        While memory is tight, only those that no project can fill alone are free, if there are any.
        """
        if not claiming:
            return 0, NO_EXTRA_PLACES
        settings, held = self._settings, self._held
        extra = held.extra(settings.concurrency, settings.extra_places)
        waits = self._shares.tight and settings.extra_places > 0
        return 0 if waits else settings.concurrency - held.places, extra

    def worth_a_look(self, free: int, extra: ExtraPlaces) -> bool:
        """Whether a claim is worth a transaction of its own: always for a free place, now and then for an extra one.

        However fast the executions of one project are queued, they are not looked at each time.
        """
        if free > 0 or extra.places < 1:
            return free > 0
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look, self._look_is_planned = now + LOOK_SECONDS, False
            return True
        if not self._look_is_planned:
            self._look_is_planned = True
            asyncio.get_running_loop().call_later(self._next_look - now, self._wake.set)
        return False
