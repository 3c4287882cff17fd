"""What a server sends over one connection, counted as it arrives: libpq keeps a message until all of it is there, and
one may be a gigabyte. It also keeps each setting that a server tells of, in a list that it goes through for the next.
"""

from collections.abc import Callable, Generator
from time import thread_time
from typing import Any, TypeVar

import psycopg

from app.outgoing.sockets import Arrived

T = TypeVar("T")
STEP_SECONDS = 0.25
"""CPU time that libpq may take for what it reads at once, while the loop of the worker stands still."""


class Wire:
    """The bytes that came and are nothing that is counted yet; `hold` hears of them, and of them as negative once they
    have become rows, which take more."""

    def __init__(self, descriptor: int, hold: Callable[[int], None]) -> None:
        self._hold = hold
        self._arrived = Arrived(descriptor)
        self._rows = 0
        self._held = 0

    def close(self) -> None:
        """Forget what was held."""
        self._arrived.close()
        self._hold(-self._held)
        self._held = 0

    def add_rows(self, size: int) -> None:
        """So many bytes are rows from now on. Raises what `hold` does."""
        self._rows += size
        self._count(size)

    def counting(self, work: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The same work of psycopg's, with what arrives counted at each step.

        Raises what `hold` does, and psycopg.OperationalError for a server whose messages take too long to read.
        """
        ready = None
        while True:
            try:
                wanted = _step(work, ready)
            except StopIteration as end:
                made: T = end.value
                return made
            ready = yield wanted
            self._count()

    def _count(self, more: int = 0) -> None:
        waiting = max(0, self._arrived() - self._rows)
        self._hold(more + waiting - self._held)
        self._held = waiting


def _step(work: Generator[Any, Any, Any], ready: Any) -> Any:
    """What the work waits for next. Raises StopIteration at its end, and psycopg.OperationalError."""
    began = thread_time()
    wanted = work.send(ready)
    if thread_time() - began > STEP_SECONDS:
        raise psycopg.OperationalError("What the server sends takes too long to read")
    return wanted
