"""How much memory the bodies of all requests of a process may take while they are read.

A body waits on disk until a thread takes its request. What a thread makes of it takes several times its size, so as
many threads as there are must not read large bodies at the same time.
"""

from threading import Lock


class BodyBudget:
    """Bytes of bodies, decoded, that may be in memory together."""

    def __init__(self, most: int) -> None:
        self._lock = Lock()
        self._left = most

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes, which are then taken."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give_back(self, size: int) -> None:
        """Free `size` bytes that were taken before; may be called from any thread."""
        with self._lock:
            self._left += size
