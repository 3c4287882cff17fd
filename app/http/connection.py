"""A client's connection to the API: its request as it arrives, its answer as it leaves, and how long each may take."""

import socket
import time
from tempfile import SpooledTemporaryFile
from typing import Any, Protocol

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from app.http.arrival import Arrival
from app.http.departure import BufferBudget, Departure
from app.http.request import StrictParser

HEAD_SECONDS = 10.0
"""From the first byte of a request, or from the connection's start, to the end of its head."""
BODY_SECONDS = 20.0
SEND_SECONDS = 20.0
BYTES_PER_SECOND = 16 * 2**10
"""A body may take BODY_SECONDS and an answer SEND_SECONDS, and longer as long as this is the pace on the whole."""
STOPPING_SECONDS = 2.0
"""A stopping worker waits for so long for a request that has begun to arrive."""
IN_MEMORY_BYTES = 64 * 2**10


class GunicornWorker(Protocol):
    """What a connection needs to know of the worker that it belongs to."""

    cfg: Any
    alive: bool
    largest_body: int
    room: BufferBudget

    def let_leave(self, conn: "ClientConnection") -> None:
        """Close the connection when its client has, or soon."""


class Received:
    """A connection as gunicorn's parser reads it: what has arrived, and then its end. No thread waits for more."""

    def __init__(self) -> None:
        self._first = b""
        self._more: SpooledTemporaryFile[bytes] | None = None
        self.left = 0
        """How many bytes have arrived that nobody has read."""

    def keep(self, data: bytes) -> None:
        """Add what has arrived; not while somebody reads."""
        if not self.left:
            self._first = data
        else:
            if self._more is None:
                self._more = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  (closed when it was read)
            self._more.write(data)
        self.left += len(data)

    def rewind(self) -> None:
        """Let it be read from its start."""
        if self._more is not None:
            self._more.seek(0)

    def recv(self, size: int) -> bytes:
        """The next bytes, as of a socket; none once all that has arrived was read."""
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
        elif self._more is not None:
            data = self._more.read(size)
        else:
            return b""
        self.left -= len(data)
        if not self.left:
            self.drop()
        return data

    def peek(self, size: int) -> bytes:
        """The first bytes that nobody has read, of the piece that they came in."""
        return self._first[:size]

    def drop(self) -> None:
        """Forget what nobody has read."""
        if self._more is not None:
            self._more.close()
        self._first, self._more, self.left = b"", None, 0


class ClientConnection(TConn):  # type: ignore[misc]
    """A client's connection: waiting for a request, having one answered, or being closed."""

    def __init__(self, worker: GunicornWorker, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.parser: Any = None
        self.worker = worker
        self.received = Received()
        self.departure = Departure(sock, worker.room, SEND_SECONDS)
        self.watched = False  # by the worker's poller, while its request arrives
        self.streamed: Any = None  # a thread's word to the loop that the answer goes on as a stream
        self.parked: Any = None  # a thread's word to the loop that the answer has to wait, and for what
        self.data_ready = True  # for the base class, which would wait for a first byte on the thread
        self.begin()

    def begin(self) -> None:
        """Wait for the next request."""
        self.arrival = Arrival(self.worker.largest_body)
        self.began = time.monotonic()

    def init(self) -> None:
        """Called by gunicorn's code before each request; the parser is made once."""
        if self.parser is None:
            self.parser = StrictParser(self.cfg, self.received, self.client)

    def read_too_far(self) -> bytes:
        """What has arrived beyond the request that was answered: the beginning of the next one, or all of it."""
        ahead: bytes = self.parser.unreader.take_buffered()
        while self.received.left:
            ahead += self.received.recv(self.received.left)
        return ahead

    def is_late(self, now: float) -> bool:
        """Whether the request on its way has had its time."""
        seconds = now - self.began
        if not self.worker.alive and seconds > STOPPING_SECONDS and not self.arrival.received:
            return True
        if not self.arrival.head_is_there:
            return seconds > HEAD_SECONDS
        return seconds > BODY_SECONDS + self.arrival.received / BYTES_PER_SECOND

    def answer_is_due(self, now: float) -> float:
        """By when the client must have taken what is left of its answer."""
        return now + SEND_SECONDS + self.departure.left / BYTES_PER_SECOND

    def close(self, graceful: bool = False) -> None:
        """Forget what is buffered and close; `graceful` first lets the client read what it was sent."""
        self.received.drop()
        self.departure.drop()
        if graceful:
            self.worker.let_leave(self)
        else:
            util.close(self.sock)
