"""Room for a few at a time, of which nobody takes more than a share: who is slow keeps only itself waiting."""

import threading
import time
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
        self._freed = threading.Condition()
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def taken(self, by: Hashable, patience: float = 0.0) -> Iterator[None]:
        """Take a place for as long as this lasts, waiting for one for so many seconds. Raises NoRoom."""
        deadline = time.monotonic() + patience
        with self._freed:
            while self._taken.total() >= self._most or self._taken[by] >= self._each:
                if not self._freed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise NoRoom
            self._taken[by] += 1
        try:
            yield
        finally:
            with self._freed:
                self._taken[by] -= 1
                if not self._taken[by]:
                    del self._taken[by]
                self._freed.notify_all()
