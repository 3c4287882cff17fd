"""Who watches executions: one thread of each process looks for all of them and tells each what it wants to know.

A watcher holds no thread and no database connection. While nobody watches nothing is asked.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from psycopg_pool import ConnectionPool

from app.api.face.errors import Refused
from app.api.rendering import render_execution
from app.repository import execution_events, execution_progress
from app.repository.connection import UNREACHABLE, Connection, reading
from app.repository.execution_events import MAX_SEEN, Look, Moment
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_progress import ExecutionProgress
from app.repository.executions import Execution, list_executions

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SETTLE_SECONDS = 0.2
"""What was under way when the first began to watch has ended by then, in general, and did not know of it."""
WATCH_SECONDS = execution_events.WATCHED_SECONDS / 3
BEAT_SECONDS = 15.0
CHECK_SECONDS = 5.0
"""A key that was revoked is noticed after so long."""
MAX_PER_KEY = 250
CHANGES = {"new": "queued", "running": "started", "waiting": "waiting"}


class Watcher:
    """One client that watches. `after`: the moment up to which it knows everything; None: it begins now."""

    def __init__(
        self,
        watchers: "Watchers",
        wanted: ExecutionFilter,
        after: Moment | None,
        authentication: "Authentication",
    ) -> None:
        self.wanted = wanted
        self.after = after
        self.authentication = authentication
        self.send: Callable[[bytes], None] = lambda data: None
        self.end: Callable[[], None] = lambda: None
        self._watchers = watchers

    def begin(self, send: Callable[[bytes], None], end: Callable[[], None]) -> None:
        """Be told from now on."""
        self.send, self.end = send, end
        self._watchers.join(self)

    def forget(self) -> None:
        """The client is gone."""
        self._watchers.leave(self)


@dataclass(frozen=True, slots=True)
class Authentication:
    """What a client has shown: `shown` is the same for those that have shown the same."""

    key_id: int
    shown: Hashable
    is_valid: Callable[[], bool]


class Watchers:
    """Those of one process. One thread looks for all of them, from the first that watches on."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._joined: list[Watcher] = []
        self._told: set[Watcher] = set()
        self._thread: threading.Thread | None = None
        self._seen: Look | None = None
        self._due = dict.fromkeys((WATCH_SECONDS, BEAT_SECONDS, CHECK_SECONDS), 0.0)

    def require_room(self, key_id: int) -> None:
        """Refuse a key that watches from too many places. Raises Refused."""
        with self._lock:
            number = sum(watcher.authentication.key_id == key_id for watcher in (*self._told, *self._joined))
        if number >= MAX_PER_KEY:
            raise Refused(429, "Too many watch with this API key", {"Retry-After": "60"})

    def join(self, watcher: Watcher) -> None:
        """Tell this one from the next look on."""
        with self._lock:
            self._joined.append(watcher)
            self._some.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchers", daemon=True)
                self._thread.start()

    def leave(self, watcher: Watcher) -> None:
        """Tell this one nothing more."""
        with self._lock:
            self._told.discard(watcher)
            if watcher in self._joined:
                self._joined.remove(watcher)

    def catch_up(self, watcher: Watcher) -> bytes:
        """What one that cannot be told later has missed, with the place from which it goes on."""
        with reading(self._pool) as connection:
            execution_events.watch(connection)
            return self._greeting(connection, watcher, execution_events.now(connection))

    def _run(self) -> None:
        while True:
            self._some.wait()
            began = time.monotonic()
            try:
                with reading(self._pool) as connection:
                    self._round(connection)
            except UNREACHABLE as error:
                log.warning("nobody is told of executions for now", extra={"reason": str(error).strip()})
            except Exception:
                log.exception("watchers were not told")
            time.sleep(max(LOOK_SECONDS, time.monotonic() - began))

    def _round(self, connection: Connection) -> None:
        with self._lock:
            joined, told = list(self._joined), list(self._told)
            if not (joined or told):
                self._seen = None
                self._some.clear()
                return
        if self._seen is None:
            execution_events.watch(connection)
            time.sleep(SETTLE_SECONDS)
            self._seen = execution_events.look(connection, execution_events.now(connection))
        elif self._is_due(WATCH_SECONDS):
            execution_events.watch(connection)
            execution_events.forget_old(connection)
        look = self._seen = execution_events.look(connection, self._seen.at, self._seen)
        tell(connection, told, look)
        for watcher in joined:
            with isolate_failures([watcher]):
                watcher.send(self._greeting(connection, watcher, look.at))
        with self._lock:  # some may have left meanwhile
            self._told.update(watcher for watcher in joined if watcher in self._joined)
            self._joined = [watcher for watcher in self._joined if watcher not in self._told]
        if self._is_due(BEAT_SECONDS):
            beat = f": \nid: {text_of(look.at)}\n\n".encode()
            for watcher in told:
                watcher.send(beat)
        if self._is_due(CHECK_SECONDS):
            end_invalid(told)

    def _is_due(self, seconds: float) -> bool:
        now = time.monotonic()
        due = now >= self._due[seconds]
        if due:
            self._due[seconds] = now + seconds
        return due

    def _greeting(self, connection: Connection, watcher: Watcher, at: Moment) -> bytes:
        if watcher.after is None:
            return message("ready", {}, at)
        look = execution_events.look(connection, watcher.after)
        return events_of(connection, watcher.wanted, look) + message("ready", {}, look.at)


def tell(connection: Connection, watchers: Iterable[Watcher], look: Look) -> None:
    """Send each what it wants to know of a look; those that want the same share the work."""
    if look.ids == ():
        return
    by_filter: dict[ExecutionFilter, list[Watcher]] = defaultdict(list)
    for watcher in watchers:
        by_filter[watcher.wanted].append(watcher)
    for wanted, those in by_filter.items():
        with isolate_failures(those):
            if data := events_of(connection, wanted, look):
                for watcher in those:
                    watcher.send(data)


@contextmanager
def isolate_failures(watchers: Iterable[Watcher]) -> Iterator[None]:
    """Let what goes wrong with what these want end their streams, and nobody else's."""
    try:
        yield
    except UNREACHABLE:
        raise
    except Exception:
        log.exception("some watchers cannot be told what they want")
        for watcher in watchers:
            watcher.end()


def events_of(connection: Connection, wanted: ExecutionFilter, look: Look) -> bytes:
    """The events of a look that match, the oldest execution first; `reload` where it is not known what has changed."""
    if look.ids is None:
        return message("reload", {}, look.at)
    ids = tuple(number for number in look.ids if not wanted.ids or number in wanted.ids)
    if not ids:
        return b""
    executions = list_executions(connection, replace(wanted, ids=ids), limit=MAX_SEEN)
    running = [execution.id for execution in executions if execution.status == "running"]
    progress = execution_progress.read(connection, running) if running else {}
    return encode_events(executions[::-1], progress, look.at)


def encode_events(executions: Sequence[Execution], progress: Mapping[int, ExecutionProgress], at: Moment) -> bytes:
    """One event for each; the last says up to when all is told, so that nothing is missed if it breaks off before."""
    last = len(executions) - 1
    return b"".join(
        message("execution", content_of(execution, progress.get(execution.id)), at if place == last else None)
        for place, execution in enumerate(executions)
    )


def content_of(execution: Execution, progress: ExecutionProgress | None) -> dict[str, Any]:
    """What is told of an execution: what has changed, itself, and how far it is where its worker has said so."""
    change = CHANGES.get(execution.status, "ended")
    if progress is None:
        return {"change": change, "execution": render_execution(execution)}
    said = orjson.Fragment(progress.progress)
    return {"change": "progress", "execution": render_execution(execution), "progress": said}


def message(name: str, content: dict[str, Any], at: Moment | None) -> bytes:
    """One server-sent event."""
    place = b"" if at is None else f"id: {text_of(at)}\n".encode()
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), place, orjson.dumps(content))


def text_of(at: Moment) -> str:
    """A moment as Last-Event-ID names it."""
    return f"{at.seconds}.{at.snapshot}"


def end_invalid(watchers: Iterable[Watcher]) -> None:
    """End what is sent to those whose key or session is valid no more."""
    valid: dict[Hashable, bool] = {}
    for watcher in watchers:
        shown = watcher.authentication.shown
        if shown not in valid:
            valid[shown] = watcher.authentication.is_valid()
        if not valid[shown]:
            watcher.end()
