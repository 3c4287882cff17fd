"""The replica as one process of the API knows it: how far it must have come to answer whom, and whether it answers.

The positions are PostgreSQL's, and times are spans on the clock of one machine: no two clocks are compared.
"""

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from psycopg import errors as pg
from psycopg_pool import ConnectionPool, PoolTimeout

from app.bounded_dict import BoundedDict
from app.repository.api_keys import ApiKey
from app.repository.connection import UNREACHABLE, Connection, open_pool
from app.repository.connection import reading as reading_from
from app.repository.replication import NOBODY, NOTED_SECONDS, primary_position
from app.settings import Settings

log = logging.getLogger(__name__)

READING = (":read", ":list")
GIVEN_UP = (pg.SerializationFailure, pg.QueryCanceled)
SAMPLE_SECONDS = 1.0  # between two looks at where the primary is
GET_SECONDS = 0.25  # the longest wait for a connection to the replica: there is another database to ask
STALLED_SECONDS = 2.0  # a read of the replica that takes longer is given to the primary
REST_SECONDS = 1.0  # a replica that failed is left alone for so long
NOTE_SECONDS = 1.0  # a write that this process noted so lately is not noted again
MAX_WRITERS = 1_024  # keys whose last write this process remembers
SPARE_SECONDS = 2.0  # for clocks that do not run alike


class Replica:
    """A copy of the database that comes after it, and what this process knows of how far behind."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        primary: ConnectionPool[Connection],
        lag_seconds: float,
    ) -> None:
        self.pool = pool
        self._primary = primary
        self.lag_seconds = lag_seconds
        self._lock = threading.Lock()
        self._positions: deque[tuple[float, str]] = deque()
        self._noted: BoundedDict[int, float] = BoundedDict(MAX_WRITERS)
        self._rests_until = 0.0
        self._state = "used"
        self._observer: threading.Thread | None = None
        self._readers: dict[socket.socket, float] = {}

    def required_position(self, api_key: ApiKey) -> tuple[str, bool]:
        """How far the replica must have come to answer this caller, and whether that is up to the present moment."""
        self._start_observing()
        known = self._known_position()
        if known is not None and not may_write(api_key):
            return known, False
        memory = self.lag_seconds + NOTED_SECONDS + NOTE_SECONDS + SPARE_SECONDS
        with reading_from(self._primary) as connection:
            now = primary_position(connection, api_key.id, seconds=memory)
        return (now.reached, True) if known is None or now.wrote_lately else (known, False)

    def _known_position(self) -> str | None:
        """Where the primary was at most `lag_seconds` ago."""
        now = time.monotonic()
        with self._lock:
            while self._positions and now - self._positions[0][0] > self.lag_seconds:
                self._positions.popleft()
            return self._positions[0][1] if self._positions else None

    def _start_observing(self) -> None:
        with self._lock:
            if self._observer is None:
                self._observer = threading.Thread(target=self._observe, name="replica", daemon=True)
                self._observer.start()

    def _observe(self) -> None:
        while True:
            self._cut_off_stalled()
            asked_at = time.monotonic()
            try:
                with reading_from(self._primary) as connection:
                    reached = primary_position(connection, NOBODY, seconds=0.0).reached
            except UNREACHABLE:
                pass  # whoever reads meets the same, and says so
            else:
                with self._lock:
                    self._positions.append((asked_at, reached))
            time.sleep(SAMPLE_SECONDS)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to the replica, cut off when a read takes too long: a frozen server says nothing at all."""
        with reading_from(self.pool) as connection:
            line = socket.socket(fileno=os.dup(connection.fileno()))
            with self._lock:
                self._readers[line] = time.monotonic() + STALLED_SECONDS
            try:
                yield connection
            finally:
                with self._lock:
                    del self._readers[line]
                line.close()

    def _cut_off_stalled(self) -> None:
        with self._lock:
            for line, deadline in self._readers.items():
                if time.monotonic() > deadline:
                    with suppress(OSError):  # it is gone already
                        line.shutdown(socket.SHUT_RDWR)

    @property
    def is_resting(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self._rests_until

    def note_failure(self, error: BaseException) -> None:
        """Leave it alone for a moment, and with it the connections that may be as dead.

        Not when it only gave up one statement, as it does for what it replays.
        """
        if isinstance(error, GIVEN_UP):
            return
        self._rests_until = time.monotonic() + REST_SECONDS
        if not isinstance(error, PoolTimeout):
            self.pool.drain()
        self._note("down", str(error).strip())

    def note_lag(self) -> None:
        """It lags by more than is allowed."""
        self._note("behind", f"more than {self.lag_seconds:g} s behind, or no replica")

    def note_answer(self) -> None:
        """It has answered a read."""
        self._note("used", "")

    def _note(self, state: str, reason: str) -> None:
        with self._lock:
            before, self._state = self._state, state
        if state == before:
            return
        if state == "used":
            log.info("the replica answers again")
        else:
            log.warning("the replica is not used for now", extra={"state": state, "reason": reason})

    def note_write(self, api_key_id: int, note: Callable[[int], None]) -> None:
        """Have `note` done, unless this process did it for this key a moment ago."""
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(api_key_id, -NOTE_SECONDS) < NOTE_SECONDS:
                return
        note(api_key_id)
        with self._lock:
            self._noted[api_key_id] = now


def may_write(api_key: ApiKey) -> bool:
    """Whether any of its scopes lets it change something."""
    return not all(scope.endswith(READING) for scope in api_key.scopes)


def open_replica(settings: Settings, primary: ConnectionPool[Connection]) -> Replica | None:
    """The replica that the settings name, if they name one."""
    if settings.database_replica_url is None:
        return None
    pool = open_pool(
        settings.database_replica_url,
        size=settings.pool_size,
        name="replica",
        timeout=GET_SECONDS,
        through_pooler=settings.through_pooler,
    )
    return Replica(pool, primary, settings.database_replica_lag_seconds)
