"""When a worker that was told to stop must be gone, whatever it still waits for."""

import asyncio
import logging
import math
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

LEAVE_SECONDS = 8.0  # after SIGTERM, the worker goes, whether PostgreSQL has heard of it or not
RECORD_SECONDS = 25.0  # after SIGTERM, it stays for so long while a large record is being written
SIGN_OFF_SECONDS = 1.0  # after such a record, what else PostgreSQL is to hear of may take so long
LOOK_SECONDS = 0.2


class Leaving:
    """The time that one worker has left."""

    def __init__(self, records: Callable[[], bool]) -> None:
        """`records` tells, in any thread, whether large records of it are on their way to a PostgreSQL that answers."""
        self._records = records
        self._began: float | None = None
        self._ends_at = -math.inf

    def begin(self) -> None:
        """It was told to stop. A second time changes nothing."""
        if self._began is None:
            self._began = time.monotonic()
            self._ends_at = self._began + LEAVE_SECONDS

    def lasts(self, seconds: float) -> bool:
        """Whether it was told to stop less than so many seconds ago."""
        return self._began is not None and time.monotonic() < self._began + seconds

    def left(self) -> float:
        """How many seconds it still has; below 0, for how long it should have been gone. Any thread may ask.

        Who sees that it may stay for a record moves the end for all who ask.
        """
        now = time.monotonic()
        if self._may_stay():
            self._ends_at = max(self._ends_at, now + SIGN_OFF_SECONDS)
        return self._ends_at - now

    def _may_stay(self) -> bool:
        """Whether it may stay longer than others do."""
        return self.lasts(RECORD_SECONDS) and self._records()

    async def run(self) -> None:
        """Return when a worker that has just been told to stop must be gone."""
        await asyncio.sleep(LEAVE_SECONDS)
        if self._may_stay():
            log.info("worker stays until large records are written")
        while (left := self.left()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
