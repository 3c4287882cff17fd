"""The connection that an answer comes over, so that it can be closed when the headers do not end."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread, Timer
from typing import Any

import httpx


class Wire:
    """Of a client that asks one thing at a time: its socket, which httpx lets nobody else have.

    `trace` goes into a request's extensions.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._was_cut = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by httpcore with all that happens to a request."""
        if event == "connection.connect_tcp.complete":
            self.close()
            # Its own descriptor: TLS takes the other one away.
            self._socket = info["return_value"].get_extra_info("socket").dup()

    @contextlib.contextmanager
    def bounded(self, seconds: float, what: str) -> Iterator[None]:
        """Cut the connection if what is done here takes longer. Raises httpx.ReadTimeout then."""
        self._was_cut = False
        timer = Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except httpx.TransportError as error:
            if self._was_cut:
                raise httpx.ReadTimeout(f"{what} did not come within {seconds:g} seconds") from error
            raise
        finally:
            timer.cancel()

    @contextlib.contextmanager
    def paced(self, seconds: float, slowest: int, what: str) -> Iterator[Callable[[int], None]]:
        """Cut the connection if what is read here comes with fewer than `slowest` bytes a second once it has taken so
        many seconds. What is yielded is told of the bytes of each part; a server may send much that comes to none.

        Raises httpx.ReadTimeout then.
        """
        size, ended = 0, Event()
        too_slow = f"of {what} fewer than {slowest} bytes came a second"
        self._was_cut = False

        def count(more: int) -> None:
            nonlocal size
            size += more

        def watch() -> None:
            began = time.monotonic()
            while (left := began + seconds + size / slowest - time.monotonic()) > 0:
                if ended.wait(left):
                    return
            self._cut()

        watching = Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield count
        except httpx.TransportError as error:
            if not self._was_cut:
                raise
            raise httpx.ReadTimeout(too_slow) from error
        else:
            if self._was_cut:  # a body without a length has ended then
                raise httpx.ReadTimeout(too_slow)
        finally:
            ended.set()
            watching.join()

    def _cut(self) -> None:
        self._was_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket; the connection is the client's to end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
