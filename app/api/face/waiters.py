"""Requests that wait for an execution: told by PostgreSQL's notification, or by a look now and then."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.bounded_dict import BoundedDict
from app.repository.connection import UNREACHABLE
from app.repository.notifications import listen_for_answers

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # a notification may be lost; nobody waits much longer than this for it
KEPT = 1_000
"""Answered executions that nobody waited for, of which is known that they were."""


class Expected:
    """One request that waits for an execution. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._wake: Callable[[], None] | None = None

    def tell(self) -> None:
        """It is worth a look."""
        with self._lock:
            self._event.set()
            wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have `wake` called once when it is worth a look, at once when that was so since the last `clear`."""
        with self._lock:
            told = self._event.is_set()
            self._wake = None if told else wake
        if told:
            wake()

    def wait(self, seconds: float) -> bool:
        """Wait on this thread until it is worth a look, or so long; whether it is."""
        return self._event.wait(max(0.0, seconds))

    def clear(self) -> None:
        """Begin anew; to be called before a look and not after it, or what is told meanwhile is lost."""
        self._event.clear()


class Waiters:
    """The waiting requests of one process. One thread listens for all of them, from the first that waits on."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._lock = threading.Lock()
        self._waiting: dict[int, list[Expected]] = {}
        self._answered: BoundedDict[int, None] = BoundedDict(KEPT)
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()

    def begin(self) -> None:
        """Listen from now on."""
        with self._lock:
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="answers", daemon=True)
                self._listener.start()

    @contextmanager
    def expecting(self, execution_id: int) -> Iterator[Expected]:
        """What is told when the execution is answered, at once when it was so a moment ago.

        To be entered before an execution can be claimed that already was, or soon after `begin` and its creation.
        """
        self.begin()
        expected = Expected()
        with self._lock:
            self._waiting.setdefault(execution_id, []).append(expected)
            answered = execution_id in self._answered
        if answered:
            expected.tell()
        try:
            yield expected
        finally:
            with self._lock:
                self._waiting[execution_id].remove(expected)
                if not self._waiting[execution_id]:
                    del self._waiting[execution_id]

    def close(self) -> None:
        """Listen no more; whoever still waits looks now and then."""
        self._closed.set()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                for execution_id in listen_for_answers(self._database_url, self._awaited, poll_seconds=POLL_SECONDS):
                    self._tell(execution_id)
            except UNREACHABLE as error:
                if not self._closed.is_set():  # else the database may go at any time
                    log.warning("no answers heard for now", extra={"reason": str(error).strip()})
            except Exception:  # those that wait look by themselves meanwhile, and the next ones want to be told
                log.exception("no answers heard for now")
            self._closed.wait(1.0)

    def _awaited(self) -> list[int] | None:
        if self._closed.is_set():
            return None
        with self._lock:
            return list(self._waiting)

    def _tell(self, execution_id: int) -> None:
        with self._lock:
            told = list(self._waiting.get(execution_id, ()))
            if not told:
                self._answered[execution_id] = None
        for expected in told:
            expected.tell()
