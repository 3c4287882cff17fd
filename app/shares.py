"""Room for a few at a time, of which nobody takes more than a share: who is slow keeps only itself waiting."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class NoRoom(Exception):
    """As many go on at the moment as may, of all or of this one."""


class Shares:
    """Room for `most` at the same time, for each of whom they are at most `each`."""

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def taken(self, by: Hashable) -> Iterator[None]:
        """Take a place for as long as this lasts. Raises NoRoom."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[by] >= self._each:
                raise NoRoom
            self._taken[by] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[by] -= 1
                if not self._taken[by]:
                    del self._taken[by]
