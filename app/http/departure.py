"""Sends answers: a thread hands its answer over here, and need not wait until the client has read it.

What the client's socket does not take at once is kept, within bounds for each connection and for all of a process.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

MAX_KEPT_BYTES = 4 * 2**20
"""Bytes of one answer that are kept; of a longer one the thread sends the rest, as fast as the client reads."""
MAX_KEPT_BYTES_OF_ALL = 128 * 2**20
LOOK_SECONDS = 0.02
AT_ONCE_BYTES = 256 * 2**10


class BufferBudget:
    """How much all connections of a process may keep together."""

    def __init__(self, full: Callable[[], None]) -> None:
        """`full` is called, from any thread, when somebody waits for room."""
        self._lock = Lock()
        self._full = full
        self.taken = 0

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes, which are then taken."""
        with self._lock:
            if self.taken + size <= MAX_KEPT_BYTES_OF_ALL:
                self.taken += size
                return True
        self._full()
        return False

    def give_back(self, size: int) -> None:
        """Free `size` bytes that were taken before; may be called from any thread."""
        with self._lock:
            self.taken -= size


class Departure:
    """A connection's socket, for gunicorn to write answers to. One thread at a time uses it."""

    def __init__(self, sock: socket.socket, room: BufferBudget, seconds: float) -> None:
        """`seconds`: how long the client may take until there is room for the rest of an answer."""
        self._sock = sock
        self._room = room
        self._seconds = seconds
        self._kept: deque[memoryview] = deque()
        self.left = 0
        """Bytes that the client has not taken yet."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send, or keep to be sent. Raises TimeoutError when the client reads too slowly for either."""
        if self._sock.gettimeout() != 0.0:
            self._sock.setblocking(False)
        rest = memoryview(bytes(data))
        if not self.left:
            rest = self._send_available(rest)
        if not rest:
            return
        deadline = time.monotonic() + self._seconds
        while len(rest):
            if self.left + len(rest) <= max(MAX_KEPT_BYTES, len(rest)) and self._room.take(len(rest)):
                self._kept.append(rest)
                self.left += len(rest)
                return
            if time.monotonic() > deadline:
                raise TimeoutError("the client reads too slowly")
            select.select([], [self._sock], [], LOOK_SECONDS)
            self.push()
            if not self.left:
                rest = self._send_available(rest)

    def offer(self, data: bytes, most: int) -> bool:
        """Send, or keep to be sent, without ever waiting; False where that would keep more than `most` bytes.

        Raises OSError when the client is gone.
        """
        self.push()
        rest = memoryview(data)
        if not self.left:
            rest = self._send_available(rest)
        if not len(rest):
            return True
        if self.left + len(rest) > most or not self._room.take(len(rest)):
            return False
        self._kept.append(rest)
        self.left += len(rest)
        return True

    def push(self) -> None:
        """Send as much of what is kept as the client takes now. Raises OSError when it is gone."""
        while self._kept:
            piece = self._kept[0]
            rest = self._send_available(piece)
            sent = len(piece) - len(rest)
            self.left -= sent
            self._room.give_back(sent)
            if len(rest):
                self._kept[0] = rest
                return
            self._kept.popleft()

    def drop(self) -> None:
        """Forget what is kept."""
        self._room.give_back(self.left)
        self._kept.clear()
        self.left = 0

    def _send_available(self, data: memoryview) -> memoryview:
        """What is left of the data once the client has taken what it takes now."""
        try:
            while len(data):
                data = data[self._sock.send(data[:AT_ONCE_BYTES]) :]
        except (BlockingIOError, InterruptedError):
            pass
        return data
