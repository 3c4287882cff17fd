"""One timer for many deadlines: it fires no later than the earliest of them. One that fires late is put off once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LATE_SECONDS = 0.2
"""A look that comes this much too late is put off: answers may lie unread in the pipe. The next one counts, however
late it is: what lay in the pipe has been read in between."""


class Timer:
    """Calls `look` with the loop's time; it is set again for each further look. `late` hears by how many seconds one
    that is put off was late."""

    def __init__(self, look: Callable[[float], None], late: Callable[[float], None]) -> None:
        self._look = look
        self._late = late
        self._put_off = False
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0.0

    def look_within(self, seconds: float) -> None:
        """See to it that there is a look no later than that; one that is set for earlier is left alone."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._handle is not None:
            if self._at <= at:
                return
            self._handle.cancel()
        self._at = at
        self._handle = loop.call_at(at, self._fire)

    def cancel(self) -> None:
        """No look any more."""
        if self._handle is not None:
            self._handle.cancel()

    def _fire(self) -> None:
        self._handle = None
        now = asyncio.get_running_loop().time()
        late = now - self._at
        self._put_off = late > LATE_SECONDS and not self._put_off
        if self._put_off:
            self._late(late)
            self.look_within(LATE_SECONDS / 2)
        else:
            self._look(now)
