"""gunicorn's worker with answers that do not end, such as event streams: an open one holds no thread.

The application finds a Streaming under STREAMING in the WSGI environment. An answer's body that has said its first
words gives it a Stream in place of the rest. The worker then keeps the connection on its loop, and sends there what
the Stream is given by whatever thread.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, NoReturn, Protocol

from app.http import STREAMING
from app.http.connection import SEND_SECONDS, ClientConnection
from app.http.parking import ParkingWorker

log = logging.getLogger(__name__)

STREAMED = object()
"""What a thread gives back for an answer that goes on as a stream."""
MAX_KEPT_BYTES = 256 * 2**10
"""Bytes that a client may be behind; one that is further behind is cut off."""
AT_ONCE_BYTES = 4_096


class Stream(Protocol):
    """An answer that goes on."""

    def begin(self, send: Callable[[bytes], None], end: Callable[[], None]) -> None:
        """From now on any thread may `send` what comes next, or `end` the answer. Neither waits."""

    def forget(self) -> None:
        """Nobody listens any more."""


class Opened(BaseException):
    """Leaves the application in the middle of an answer. No Exception: nobody on its way may take it for a fault."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("this answer goes on as a stream")
        self.stream = stream


class Streaming:
    """Where the application leaves answers that go on. One for each process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.open: dict[ClientConnection, OpenStream] = {}
        """Those that go on; only the worker's loop changes it."""

    @property
    def full(self) -> bool:
        """Whether another stream had better be refused."""
        return len(self.open) >= self._most

    def go_on(self, stream: Stream) -> NoReturn:
        """Let go of the thread; to be called by an answer's body after its first words. Does not return."""
        raise Opened(stream)


@dataclass(eq=False, slots=True)
class OpenStream:
    """One answer that goes on. `behind_since`: since when its client has not taken all that it was sent."""

    stream: Stream
    in_chunks: bool
    path: str
    behind_since: float | None = None


class StreamingWorker(ParkingWorker):
    """Give it to gunicorn as its worker_class."""

    most_streams = 1_000
    """Answers without an end at the same time in one process; each holds a connection."""

    def load_wsgi(self) -> None:
        """Load the application, and come between it and gunicorn."""
        super().load_wsgi()
        self.streaming = Streaming(self.most_streams)

    # On a thread

    def _call(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ[STREAMING] = self.streaming
        return super()._call(environ, start_response)

    def handle_request(self, req: Any, conn: ClientConnection, pending: Any = None) -> Any:
        """Answer one request, park it, or begin a stream."""
        try:
            return super().handle_request(req, conn, pending)
        except Opened as opened:
            conn.streamed = OpenStream(opened.stream, in_chunks=req.version >= (1, 1), path=req.path)
            return STREAMED

    def _keepalive_after(self, conn: ClientConnection, keepalive: Any) -> Any:
        return STREAMED if keepalive is STREAMED else super()._keepalive_after(conn, keepalive)

    # On the loop

    def finish_request(self, conn: ClientConnection, fs: Future[Any]) -> None:
        """Go on with a connection whose request was answered, was parked, or goes on as a stream."""
        opened, conn.streamed = conn.streamed, None
        if opened is None or fs.cancelled() or fs.exception() is not None or fs.result() is not STREAMED:
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        self.streaming.open[conn] = opened
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_stream_event, conn, opened))
        defer = self.method_queue.defer
        opened.stream.begin(partial(defer, self._send, conn, opened), partial(defer, self._end, conn, opened))
        self._send(conn, opened, b"")  # what the thread has left behind

    def _send(self, conn: ClientConnection, opened: OpenStream, data: bytes) -> None:
        if self.streaming.open.get(conn) is not opened:
            return
        if data and opened.in_chunks:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        try:
            if not conn.departure.offer(data, MAX_KEPT_BYTES):
                self._cut_stream(conn, opened, "too far behind")
                return
        except OSError:
            self._close_stream(conn, opened)
            return
        self._watch(conn, opened)

    def _watch(self, conn: ClientConnection, opened: OpenStream) -> None:
        """Listen to the client, and wait until it takes more where it is behind."""
        behind = conn.departure.left > 0
        if behind != (opened.behind_since is not None):
            opened.behind_since = time.monotonic() if behind else None
            events = EVENT_READ | EVENT_WRITE if behind else EVENT_READ
            self.poller.modify(conn.sock, events, partial(self._on_stream_event, conn, opened))

    def _on_stream_event(self, conn: ClientConnection, opened: OpenStream, _: Any) -> None:
        if self.streaming.open.get(conn) is not opened:
            return
        try:
            conn.departure.push()
            gone = not conn.sock.recv(AT_ONCE_BYTES)
        except (BlockingIOError, InterruptedError):
            gone = False
        except OSError:
            gone = True
        if gone:
            self._close_stream(conn, opened)
        else:
            self._watch(conn, opened)

    def _end(self, conn: ClientConnection, opened: OpenStream) -> None:
        """End the answer as HTTP has it, and close the connection."""
        if self.streaming.open.get(conn) is not opened:
            return
        try:
            if opened.in_chunks:
                conn.departure.offer(b"0\r\n\r\n", MAX_KEPT_BYTES)
        except OSError:
            log.info("client gone", extra={"path": opened.path})
        if conn.departure.left:
            self._close_stream(conn, opened)
            return
        self._leave_stream(conn, opened)
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _cut_stream(self, conn: ClientConnection, opened: OpenStream, reason: str) -> None:
        log.info("client too slow", extra={"doing": "listening", "path": opened.path, "reason": reason})
        self._close_stream(conn, opened)

    def _close_stream(self, conn: ClientConnection, opened: OpenStream) -> None:
        self._leave_stream(conn, opened)
        self._drop(conn)

    def _leave_stream(self, conn: ClientConnection, opened: OpenStream) -> None:
        del self.streaming.open[conn]
        self.poller.unregister(conn.sock)
        opened.stream.forget()

    def murder_pending(self) -> None:
        """Cut off whoever is late; end all streams of a worker that stops: clients come back to the next one."""
        super().murder_pending()
        if not self.streaming.open:
            return
        now = time.monotonic()
        for conn, opened in list(self.streaming.open.items()):
            if opened.behind_since is not None and now - opened.behind_since > SEND_SECONDS:
                self._cut_stream(conn, opened, "takes nothing")
            elif not self.alive:
                self._end(conn, opened)
