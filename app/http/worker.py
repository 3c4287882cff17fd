"""gunicorn's worker with threads, for slow clients: a thread gets a request only when all of it has arrived.

Requests come in and answers go out on the worker's one event loop, where a slow client costs a socket and not a
thread; large bodies wait on disk. Whoever is too slow in sending is told 408, and in reading is cut off.

It builds on parts of gunicorn that are not documented, so setup.cfg admits one minor version of it.
"""

import errno
import logging
import socket
import time
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from app.http.arrival import HeadTooLong, TooManyChunks
from app.http.connection import ClientConnection
from app.http.departure import BufferBudget
from app.http.malformed import write_error

log = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""What a client still sends is read for so long after its answer: an unread byte would cut the answer off."""
GIVES_WAY_SECONDS = 1.0
"""Whoever takes longer to send a request may lose the connection to others when there are too many."""
AT_ONCE_BYTES = 64 * 2**10


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Give it to gunicorn as its worker_class."""

    largest_body = 16 * 2**20
    """What the application takes; whoever sends more is answered before it has all arrived."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: set[ClientConnection] = set()
        self._leaving: dict[ClientConnection, float] = {}
        self._departing: dict[ClientConnection, tuple[float, Any]] = {}
        self.room = BufferBudget(full=lambda: self.method_queue.defer(self._make_room_for_answers))
        self._looked_at = 0.0

    # In

    def accept(self, listener: Any) -> None:
        """Take a new connection, and wait for its request."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                log.error("no more connections can be opened", extra={"open": self.nr_conns})
                self.set_accept_enabled(False)  # until the next round
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        self._await_request(ClientConnection(self, sock, client, listener.getsockname()))

    def _make_room(self) -> None:
        """Let whoever has been sending its request for the longest give way to those who come."""
        oldest = min(self._arriving, key=lambda conn: conn.began, default=None)
        if oldest is not None and time.monotonic() - oldest.began > GIVES_WAY_SECONDS:
            self._forget_arriving(oldest)
            self._drop(oldest)

    def on_client_socket_readable(self, conn: ClientConnection, client: Any) -> None:
        """The next request of a connection that was kept alive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.begin()
        self._await_request(conn)

    def _await_request(self, conn: ClientConnection, ahead: bytes = b"") -> None:
        conn.sock.setblocking(False)
        self._arriving.add(conn)
        if ahead:
            self._take(conn, ahead)
        else:
            self._on_arriving(conn)
        if conn in self._arriving:  # most come whole, before anybody has to wait for them
            conn.watched = True
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_arriving, conn))

    def _on_arriving(self, conn: ClientConnection, _: Any = None) -> None:
        try:
            data = conn.sock.recv(AT_ONCE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._take(conn, data)
        else:  # the client sends no more
            self._forget_arriving(conn)
            if conn.arrival.received:
                self._hand_over(conn)
            else:
                self._drop(conn)

    def _take(self, conn: ClientConnection, data: bytes) -> None:
        arrival = conn.arrival
        try:
            conn.received.keep(data)
            arrival.add(data)
            if arrival.expects_continue and not arrival.is_ready:
                arrival.expects_continue = False
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        except HeadTooLong:
            self._refuse(conn, 431, "Request Header Fields Too Large", "The request's head is too long")
        except TooManyChunks:
            self._refuse(conn, 400, "Bad Request", "The body comes in too many chunks for its length")
        except OSError as error:  # the client is gone, or the disk is full
            log.warning("request lost on its way", extra={"reason": str(error)})
            self._forget_arriving(conn)
            self._drop(conn)
        else:
            if arrival.is_ready:
                self._forget_arriving(conn)
                self._hand_over(conn)

    def _hand_over(self, conn: ClientConnection) -> None:
        conn.received.rewind()
        self.enqueue_req(conn)

    def _forget_arriving(self, conn: ClientConnection) -> None:
        self._arriving.discard(conn)
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = False

    def _refuse(self, conn: ClientConnection, status: int, reason: str, message: str) -> None:
        self._forget_arriving(conn)
        try:
            write_error(conn.sock, status, reason, message)
        except OSError:
            self._drop(conn)
            return
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _drop(self, conn: ClientConnection) -> None:
        self.nr_conns -= 1
        conn.close()

    # The answer

    def handle_request(self, req: Any, conn: ClientConnection) -> Any:
        """Answer one request on a thread."""
        sock, conn.sock = conn.sock, conn.departure
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            log.info("client too slow", extra={"doing": "reading", "method": req.method, "path": req.path})
            conn.departure.drop()
            raise StopIteration from None  # gunicorn's word for: close this connection
        finally:
            conn.sock = sock

    def _keepalive_after(self, conn: ClientConnection, keepalive: Any) -> bool:
        # What has not arrived by now was not wanted; nobody waits for it.
        try:
            return bool(conn.arrival.complete and super()._keepalive_after(conn, keepalive))
        except (ParseException, OSError) as error:  # its rest is no body; gunicorn would answer it a second time
            log.info("connection closed", extra={"reason": str(error)})
            return False

    def finish_request(self, conn: ClientConnection, fs: Any) -> None:
        """Go on with a connection once its request was answered and the client has the answer."""
        if conn.sock.fileno() < 0:  # gunicorn has closed it on the thread, for an error in the middle of an answer
            self._drop(conn)
            return
        if conn.departure.left:
            conn.sock.setblocking(False)
            self._departing[conn] = (conn.answer_is_due(time.monotonic()), fs)
            self.poller.register(conn.sock, EVENT_WRITE, partial(self._on_departing, conn))
            return
        stays_open = not fs.cancelled() and fs.exception() is None and fs.result()
        ahead = conn.read_too_far() if stays_open else b""
        if ahead:
            conn.begin()
            self._await_request(conn, ahead)
        else:
            super().finish_request(conn, fs)

    def _on_departing(self, conn: ClientConnection, _: Any) -> None:
        try:
            conn.departure.push()
        except OSError:
            self._forget_departing(conn)
            self._drop(conn)
            return
        if not conn.departure.left:
            self.finish_request(conn, self._forget_departing(conn))

    def _forget_departing(self, conn: ClientConnection) -> Any:
        self.poller.unregister(conn.sock)
        return self._departing.pop(conn)[1]

    def _make_room_for_answers(self) -> None:
        """Let whoever has been reading its answer for the longest give way to those who wait for theirs."""
        if self._departing:
            self._cut_off(next(iter(self._departing)))

    def _cut_off(self, conn: ClientConnection) -> None:
        log.info("client too slow", extra={"doing": "reading", "left": conn.departure.left})
        self._forget_departing(conn)
        self._drop(conn)

    # Out

    def let_leave(self, conn: ClientConnection) -> None:
        """Close a connection when its client has, or soon, so that the end of its answer reaches it."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_leaving, conn))
        except (OSError, ValueError, KeyError):
            util.close(conn.sock)
            return
        self._leaving[conn] = time.monotonic() + LEAVE_SECONDS

    def _on_leaving(self, conn: ClientConnection, _: Any) -> None:
        try:
            if conn.sock.recv(AT_ONCE_BYTES):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._close_leaving(conn)

    def _close_leaving(self, conn: ClientConnection) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        util.close(conn.sock)

    def murder_pending(self) -> None:
        """Cut off whoever is late; gunicorn's loop calls this every round."""
        super().murder_pending()
        now = time.monotonic()
        if now - self._looked_at < 0.5:
            return
        self._looked_at = now
        for conn in [conn for conn in self._arriving if conn.is_late(now)]:
            if conn.arrival.received:
                doing = "sending its body" if conn.arrival.head_is_there else "sending its head"
                log.info("client too slow", extra={"doing": doing, "received": conn.arrival.received})
                self._refuse(conn, 408, "Request Timeout", "The request took too long to arrive")
            else:
                self._forget_arriving(conn)
                self._drop(conn)
        for conn in [conn for conn, (until, _) in self._departing.items() if now > until]:
            self._cut_off(conn)
        for conn in [conn for conn, until in self._leaving.items() if now > until]:
            self._close_leaving(conn)
