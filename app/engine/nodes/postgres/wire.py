"""What a server sends over one connection, counted as it arrives: libpq keeps a message until all of it is there, and
one may be a gigabyte."""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from app.outgoing.sockets import Arrived

T = TypeVar("T")


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
        """The same work of psycopg's, with what arrives counted at each step. Raises what `hold` does."""
        ready = None
        while True:
            try:
                wanted = work.send(ready)
            except StopIteration as end:
                made: T = end.value
                return made
            ready = yield wanted
            self._count()

    def _count(self, more: int = 0) -> None:
        waiting = max(0, self._arrived() - self._rows)
        self._hold(more + waiting - self._held)
        self._held = waiting
