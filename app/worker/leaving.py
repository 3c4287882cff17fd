"""When a worker that was told to stop must be gone, whatever it still waits for."""

import asyncio
import logging
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

    def begin(self) -> None:
        """It was told to stop. A second time changes nothing."""
        if self._began is None:
            self._began = time.monotonic()

    def lasts(self, seconds: float) -> bool:
        """Whether it was told to stop less than so many seconds ago."""
        return self._began is not None and time.monotonic() < self._began + seconds

    def may_stay(self) -> bool:
        """Whether it may stay longer than others do. May be asked in any thread."""
        return self.lasts(RECORD_SECONDS) and self._records()

    async def run(self) -> None:
        """Return when a worker that has just been told to stop must be gone."""
        await asyncio.sleep(LEAVE_SECONDS)
        if self.may_stay():
            log.info("worker stays until large records are written")
            while self.may_stay():
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(SIGN_OFF_SECONDS)
