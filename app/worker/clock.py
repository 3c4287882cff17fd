"""PostgreSQL's clock as a worker knows it between two queries; the clock of its own host does not matter."""

import time
from datetime import UTC, datetime, timedelta

from app.repository import clock
from app.repository.connection import Connection


class Clock:
    """Read at each registration and with each heartbeat; from there on the seconds that pass are counted."""

    def __init__(self) -> None:
        self._read = datetime.now(UTC), time.monotonic()

    def read(self, connection: Connection) -> None:
        """Ask PostgreSQL what time it is."""
        self._read = clock.now(connection), time.monotonic()

    def now(self) -> datetime:
        """What PostgreSQL would say now."""
        moment, counted = self._read
        return moment + timedelta(seconds=time.monotonic() - counted)
