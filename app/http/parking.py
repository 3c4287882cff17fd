"""gunicorn's worker with parked calls: a call whose answer has to wait holds no thread.

The application finds a Parking under PARKING in the WSGI environment and gives it a Pending instead of an answer. The
worker then keeps the connection on its loop, and calls the Pending on a thread again when it is worth a look. To park
a call costs as much as to answer it, so some threads may wait a moment for an answer that comes soon.
"""

import heapq
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from selectors import EVENT_READ
from typing import Any, NoReturn, Protocol

from app.http import PARKING
from app.http.connection import STOPPING_SECONDS, ClientConnection
from app.http.worker import PatientWorker

log = logging.getLogger(__name__)

PARKED = object()
"""What a thread gives back for a call that it has parked."""
LINE_BYTES = 2_048
MOMENT_SECONDS = 0.05
"""How long a thread waits at most before its call is parked."""


class Pending(Protocol):
    """An answer that is not there yet."""

    deadline: float
    """In the terms of `time.monotonic`: nobody waits longer."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake`, from any thread, when it is worth a look; at once when that has been so already."""

    def resume(self, environ: dict[str, Any], start_response: Any, over: bool) -> Iterable[bytes]:
        """Answer, as a WSGI application does, or park again, which must not happen when the time is `over`."""

    def forget(self) -> None:
        """Nobody wants the answer any more."""


class Parked(BaseException):
    """Leaves the application without an answer. No Exception: nobody on its way may take it for a fault."""

    def __init__(self, pending: Pending) -> None:
        super().__init__("this call is answered later")
        self.pending = pending


class Parking:
    """Where the application leaves the calls that have to wait. One for each process."""

    def __init__(self, most: int, waiting_threads: int) -> None:
        """At most so many calls wait, and so many threads at the same time, each for a moment."""
        self._most = most
        self._threads = threading.BoundedSemaphore(waiting_threads) if waiting_threads else None
        self.calls: dict[ClientConnection, ParkedCall] = {}
        """Those that wait; only the worker's loop changes it."""

    @property
    def full(self) -> bool:
        """Whether another call had better be refused."""
        return len(self.calls) >= self._most

    def wait_a_moment(self, wait: Callable[[float], bool]) -> bool:
        """Whether `wait`, which is told how many seconds it may take, has seen what the call waits for; not called
        where enough threads wait already."""
        if self._threads is None or not self._threads.acquire(blocking=False):
            return False
        try:
            return wait(MOMENT_SECONDS)
        finally:
            self._threads.release()

    def park(self, pending: Pending) -> NoReturn:
        """Let go of the thread until the pending answer is worth a look; does not return."""
        raise Parked(pending)


@dataclass(eq=False, slots=True)
class ParkedCall:
    """One call that waits."""

    request: Any
    pending: Pending
    watched: bool = False
    """Its client is noticed when it goes away."""


class ParkingWorker(PatientWorker):
    """Give it to gunicorn as its worker_class."""

    most_parked = 1_000
    """Calls that may wait at the same time in one process; each holds a connection."""
    reserved_path = ""
    """A request for this path has a thread of its own, so that it is answered whatever the others do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._due: list[tuple[float, int, ClientConnection, ParkedCall]] = []
        self._numbers = count()
        self._on_thread = threading.local()
        self._last_look: float | None = None  # of a worker that stops: who still waits then is told so

    def init_process(self) -> None:
        """Begin to serve; does not return before the end."""
        self._reserve = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reserve")
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and come between it and gunicorn."""
        super().load_wsgi()
        self.parking = Parking(self.most_parked, self.cfg.threads // 2)  # the others are for who does not wait
        self._application: Any = self.wsgi
        self.wsgi: Any = self._call

    # On a thread

    def _call(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[PARKING] = self.parking
        pending: Pending | None = self._on_thread.pending
        if pending is not None:
            return pending.resume(environ, start_response, self._is_over(pending))
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def _is_over(self, pending: Pending) -> bool:
        now = time.monotonic()
        return now >= pending.deadline or (self._last_look is not None and now >= self._last_look)

    def handle_request(self, req: Any, conn: ClientConnection, pending: Pending | None = None) -> Any:
        """Answer one request, or park it."""
        self._on_thread.pending = pending
        try:
            return super().handle_request(req, conn)
        except Parked as parked:
            conn.parked = ParkedCall(req, parked.pending)
            return PARKED

    def _keepalive_after(self, conn: ClientConnection, keepalive: Any) -> Any:
        return PARKED if keepalive is PARKED else super()._keepalive_after(conn, keepalive)

    def _handle_parked(self, conn: ClientConnection, call: ParkedCall) -> Any:
        """Go on with a call that has waited: gunicorn's `handle` from where the request was read."""
        try:
            call.request._expected_100_continue = False  # it was told to
            return self._keepalive_after(conn, self.handle_request(call.request, conn, call.pending))
        except (StopIteration, OSError):
            return False
        except Exception as error:
            self.handle_error(call.request, conn.sock, conn.client, error)
            return False

    # On the loop

    def enqueue_req(self, conn: ClientConnection) -> None:
        """Give a request that is there to a thread."""
        self._submit(self._reserve if self._is_reserved(conn) else self.tpool, conn, self.handle, conn)

    def _is_reserved(self, conn: ClientConnection) -> bool:
        if not self.reserved_path:
            return False
        target = conn.received.peek(LINE_BYTES).partition(b"\r\n")[0].split(b" ")[1:2]
        return target != [] and target[0].partition(b"?")[0] == self.reserved_path.encode()

    def _submit(self, pool: Any, conn: ClientConnection, handle: Callable[..., Any], *arguments: Any) -> None:
        future = pool.submit(handle, *arguments)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def finish_request(self, conn: ClientConnection, fs: Future[Any]) -> None:
        """Go on with a connection whose request was answered, or parked."""
        call, conn.parked = conn.parked, None
        if call is None or fs.cancelled() or fs.exception() is not None or fs.result() is not PARKED:
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        self.parking.calls[conn] = call
        heapq.heappush(self._due, (call.pending.deadline, next(self._numbers), conn, call))
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_parked_readable, conn))
        call.watched = True
        call.pending.subscribe(partial(self.method_queue.defer, self._look, conn, call))

    def _on_parked_readable(self, conn: ClientConnection, _: Any) -> None:
        try:
            gone = not conn.sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            gone = True
        call = self.parking.calls[conn]
        if gone:
            log.info("client gone", extra={"method": call.request.method, "path": call.request.path})
            self._leave(conn)
            call.pending.forget()
            self._drop(conn)
        else:  # its next request, which is read after this one's answer
            self._unwatch(conn, call)

    def _look(self, conn: ClientConnection, call: ParkedCall) -> None:
        """Let a thread see whether the answer is there; a call that does not wait any more is left alone."""
        if self.parking.calls.get(conn) is call:
            self._leave(conn)
            self._submit(self.tpool, conn, self._handle_parked, conn, call)

    def _leave(self, conn: ClientConnection) -> None:
        self._unwatch(conn, self.parking.calls.pop(conn))

    def _unwatch(self, conn: ClientConnection, call: ParkedCall) -> None:
        if call.watched:
            self.poller.unregister(conn.sock)
            call.watched = False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the loop, which ends in time for whoever has waited long enough."""
        now = time.monotonic()
        if not self.alive and self._last_look is None:
            self._last_look = now + max(self.cfg.graceful_timeout - STOPPING_SECONDS, 0)
        while self._due and self.parking.calls.get(self._due[0][2]) is not self._due[0][3]:
            heapq.heappop(self._due)
        if self._due:
            timeout = max(0.0, min(timeout, self._due[0][0] - now))
        super().wait_for_and_dispatch_events(timeout)
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, conn, call = heapq.heappop(self._due)
            self._look(conn, call)
        if self._last_look is not None and now >= self._last_look:
            for conn, call in list(self.parking.calls.items()):
                self._look(conn, call)
