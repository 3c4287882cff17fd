"""Whether npm reaches its registry, as it says itself in its lines of the level `http`."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.packages.errors import RegistryUnreachable

REACH_SECONDS = 30.0
"""So long npm may go without an answer, first of all or after a request that failed. Its own retries take minutes.

What it has waited for a processor does not count: on a busy machine it takes longer than that to begin.
"""
LEAST_SECONDS = 0.1
ANSWERED = re.compile(r" http (?:fetch [A-Z]+ [0-9]{3}|cache) ")
ATTEMPT_FAILED = re.compile(r" http fetch [A-Z]+ \S+ attempt [0-9]+ failed with (\w+)$")


class Reach:
    """Ends npm when its registry does not answer. npm itself tries again for minutes, and waits minutes for each."""

    def __init__(self, wanted: str, tell: Callable[[str], None], *, patient: bool) -> None:
        """With `patient` silence is no sign, only a request that fails: large files come without a word."""
        self._wanted = wanted
        self._tell = tell
        self._patient = patient
        self._timeout = asyncio.timeout(None)
        self._look_at: asyncio.TimerHandle | None = None
        self._waited_seconds: Callable[[], float] = lambda: 0.0
        self._waited = 0.0
        self._reason = "no answer"

    @asynccontextmanager
    async def bounded(self, waited_seconds: Callable[[], float] = lambda: 0.0) -> AsyncIterator[None]:
        """`waited_seconds` tells how long npm has waited for a processor so far. Raises RegistryUnreachable."""
        self._waited_seconds = waited_seconds
        try:
            async with self._timeout:
                if not self._patient:
                    self._begin()
                yield
        except TimeoutError:
            if not self._timeout.expired():
                raise
            raise unreachable(self._wanted, f"{self._reason}, tried for {REACH_SECONDS:g} seconds") from None
        finally:
            self._end()

    def hear(self, line: str) -> None:
        """What npm says of an answer, or of an attempt without one."""
        if ANSWERED.search(line):
            self._end()
        elif failed := ATTEMPT_FAILED.search(line):
            self._reason = failed[1]
            self._tell(f"npm's registry cannot be reached ({self._reason}), npm tries again")
            if self._look_at is None:
                self._begin()

    def _begin(self) -> None:
        self._waited = self._waited_seconds()
        self._look_at = asyncio.get_running_loop().call_later(REACH_SECONDS, self._look)

    def _end(self) -> None:
        if self._look_at is not None:
            self._look_at.cancel()
            self._look_at = None

    def _look(self) -> None:
        """The time is over, but for what npm has waited for a processor since it was looked at last."""
        loop, before = asyncio.get_running_loop(), self._waited
        self._waited = self._waited_seconds()
        if (waited := self._waited - before) > LEAST_SECONDS:
            self._look_at = loop.call_later(waited, self._look)
        else:
            self._timeout.reschedule(loop.time())


def unreachable(wanted: str, reason: str) -> RegistryUnreachable:
    """That the registry does not answer, why, and what to do."""
    return RegistryUnreachable(
        f"npm cannot get {wanted}: npm's registry cannot be reached ({reason}). See whether this machine is connected, "
        f"and what registry and proxy say in this user's npmrc; then try again"
    )
