"""Whether npm reaches its registry, as it says itself in its lines of the level `http`."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.packages.errors import RegistryUnreachable

REACH_SECONDS = 30.0
"""So long npm may go without an answer, first of all or after a request that failed. Its own retries take minutes."""
ANSWERED = re.compile(r" http (?:fetch [A-Z]+ [0-9]{3}|cache) ")
ATTEMPT_FAILED = re.compile(r" http fetch [A-Z]+ \S+ attempt [0-9]+ failed with (\w+)$")


class Reach:
    """Ends npm when its registry does not answer. npm itself tries again for minutes, and waits minutes for each."""

    def __init__(self, wanted: str, tell: Callable[[str], None], *, patient: bool) -> None:
        """With `patient` silence is no sign, only a request that fails: large files come without a word."""
        self._wanted = wanted
        self._tell = tell
        self._timeout = asyncio.timeout(None if patient else REACH_SECONDS)
        self._reason = "no answer"

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Raises RegistryUnreachable."""
        try:
            async with self._timeout:
                yield
        except TimeoutError:
            if not self._timeout.expired():
                raise
            raise unreachable(self._wanted, f"{self._reason}, tried for {REACH_SECONDS:g} seconds") from None

    def hear(self, line: str) -> None:
        """What npm says of an answer, or of an attempt without one."""
        if ANSWERED.search(line):
            self._timeout.reschedule(None)
        elif failed := ATTEMPT_FAILED.search(line):
            self._reason = failed[1]
            self._tell(f"npm's registry cannot be reached ({self._reason}), npm tries again")
            if self._timeout.when() is None:
                self._timeout.reschedule(asyncio.get_running_loop().time() + REACH_SECONDS)


def unreachable(wanted: str, reason: str) -> RegistryUnreachable:
    """That the registry does not answer, why, and what to do."""
    return RegistryUnreachable(
        f"npm cannot get {wanted}: npm's registry cannot be reached ({reason}). See whether this machine is connected, "
        f"and what registry and proxy say in this user's npmrc; then try again"
    )
