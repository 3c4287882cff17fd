"""Requests that wait for an execution: woken by PostgreSQL's notification, and looking for themselves now and then."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.repository.notifications import listen_for_answers

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # a notification may be lost; nobody waits longer than this for it


class Waiters:
    """The waiting requests of one process. One thread listens for all of them, from the first that waits on."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._lock = threading.Lock()
        self._waiting: dict[int, list[threading.Event]] = {}
        self._listener: threading.Thread | None = None

    @contextmanager
    def expecting(self, execution_id: int) -> Iterator[threading.Event]:
        """An event that is set when the execution is answered; to be entered before the execution can be claimed."""
        event = threading.Event()
        with self._lock:
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="answers", daemon=True)
                self._listener.start()
            self._waiting.setdefault(execution_id, []).append(event)
        try:
            yield event
        finally:
            with self._lock:
                self._waiting[execution_id].remove(event)
                if not self._waiting[execution_id]:
                    del self._waiting[execution_id]

    def _listen(self) -> None:
        while True:
            try:
                for execution_id in listen_for_answers(self._database_url, timeout=60.0):
                    if execution_id is not None:
                        self._wake(execution_id)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("no answers heard for now", extra={"reason": str(error).strip()})
            time.sleep(1.0)

    def _wake(self, execution_id: int) -> None:
        with self._lock:
            for event in self._waiting.get(execution_id, ()):
                event.set()


def poll(event: threading.Event, deadline: float) -> Iterator[bool]:
    """Yield whenever it is worth a look: when the event was set, and at least every POLL_SECONDS.

    The value says whether the time (`time.monotonic`) is up; nothing follows then.
    """
    while True:
        event.wait(max(0.0, min(POLL_SECONDS, deadline - time.monotonic())))
        event.clear()
        over = time.monotonic() >= deadline
        yield over
        if over:
            return
