"""What a server sends over one connection, counted as it arrives: libpq keeps a message until all of it is there, and
one may be a gigabyte."""

import socket
import struct
import sys
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")
AT_ONCE_BYTES = 2**20
"""So many wait to be read: libpq reads on, and lets nobody count, until none are left."""
_INFO_BYTES, _RECEIVED_AT = 256, 128
"""Of Linux's struct tcp_info; its tcpi_bytes_received."""


class Wire:
    """The bytes that came and are nothing that is counted yet; `hold` hears of them, and of them as negative once they
    have become rows, which take more."""

    def __init__(self, connection: psycopg.AsyncConnection[object], hold: Callable[[int], None]) -> None:
        self._hold = hold
        self._socket = socket.socket(fileno=socket.dup(connection.fileno()))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, AT_ONCE_BYTES)
        self._rows = 0
        self._held = 0

    def close(self) -> None:
        """Forget what was held."""
        self._socket.close()
        self._hold(-self._held)
        self._held = 0

    def add_rows(self, size: int) -> None:
        """So many bytes are rows from now on. Raises what `hold` does."""
        self._rows += size
        self._count(size)

    def counting(self, work: PQGen[T]) -> PQGen[T]:
        """The same work of psycopg's, with what arrives counted at each step. Raises what `hold` does."""
        ready = None
        while True:
            try:
                wanted = work.send(ready)  # type: ignore[arg-type]
            except StopIteration as end:
                made: T = end.value
                return made
            ready = yield wanted
            self._count()

    def _count(self, more: int = 0) -> None:
        waiting = max(0, self._received() - self._rows)
        self._hold(more + waiting - self._held)
        self._held = waiting

    def _received(self) -> int:
        """Bytes so far; 0 where the system does not tell."""
        if sys.platform != "linux":
            return 0
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        if len(info) < _RECEIVED_AT + 8:
            return 0
        received: int = struct.unpack_from("=Q", info, _RECEIVED_AT)[0]
        return received
