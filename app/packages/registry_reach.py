"""Whether npm reaches its registry and wherever else packages lie, by its own lines of the level `http`."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from app.packages.errors import RegistryUnreachable

REACH_SECONDS = 30.0
"""So long npm may go without an answer, first of all or after a request that failed. Its own retries take minutes.

What it has waited for a processor does not count: on a busy machine it takes longer than that to begin.
"""
LEAST_SECONDS = 0.1
ANSWERED = re.compile(r" http (?:fetch [A-Z]+ [0-9]{3}|cache) (\S+)")
ATTEMPT_FAILED = re.compile(r" http fetch [A-Z]+ (\S+) attempt [0-9]+ failed with (\w+)$")
STALE = "(cache stale)"
"""At the end of an answer that npm had kept, and takes since the host does not answer."""
REGISTRY = "npm's registry"


class RegistryReach:
    """Ends npm when a host does not answer. npm itself tries again for minutes, and waits minutes for each."""

    def __init__(self, wanted: str, tell: Callable[[str], None], *, patient: bool) -> None:
        """With `patient` silence is no sign, only a request that fails: large files come without a word."""
        self._wanted = wanted
        self._tell = tell
        self._patient = patient
        self._timeout = asyncio.timeout(None)
        self._look_at: asyncio.TimerHandle | None = None
        self._waited_seconds: Callable[[], float] = lambda: 0.0
        self._waited = 0.0
        self.host = REGISTRY
        """What did not answer last."""
        self._reason = "no answer"
        self.stale = False
        """Whether npm goes on with what it had kept, of a host that does not answer."""
        self._failing: dict[str, float] = {}
        """When each host that has not answered since failed first: others may answer meanwhile."""

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
            reason = f"{self._reason}, tried for {REACH_SECONDS:g} seconds"
            raise unreachable(self._wanted, reason, self.host) from None
        finally:
            self._end()

    def hear(self, line: str) -> None:
        """What npm says of an answer, or of an attempt without one."""
        self.stale = self.stale or line.endswith(STALE)
        if answered := ANSWERED.search(line):
            self._failing.pop(host_of(answered[1]), None)
            self._end()
        elif failed := ATTEMPT_FAILED.search(line):
            self.host, self._reason = host_of(failed[1]), failed[2]
            if self.host not in self._failing:
                self._tell(f"{self.host} cannot be reached ({self._reason}), npm tries again")
            loop = asyncio.get_running_loop()
            worked = loop.time() - self._waited_seconds()
            if worked - self._failing.setdefault(self.host, worked) > REACH_SECONDS:
                self._timeout.reschedule(loop.time())
            elif self._look_at is None:
                self._begin()

    def unreachable(self) -> RegistryUnreachable:
        """That what has failed last does not answer."""
        return unreachable(self._wanted, self._reason, self.host)

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


def host_of(address: str) -> str:
    """The host of an address, with its port where it names one."""
    return urlsplit(address).netloc.rpartition("@")[2] or REGISTRY


def unreachable(wanted: str, reason: str, host: str) -> RegistryUnreachable:
    """That the registry, or another host where a package lies, does not answer, why, and what to do."""
    elsewhere = (
        f". Where {host} is no registry, something that comes with {wanted} lies there: let this machine reach it, or "
        "take another version"
    )
    return RegistryUnreachable(
        f"npm cannot get {wanted}: {host} cannot be reached ({reason}). See whether this machine is connected, "
        f"and what registry and proxy say in this user's npmrc; then try again{'' if host == REGISTRY else elsewhere}"
    )
