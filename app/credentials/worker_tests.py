"""Tests of credentials that only a worker can do: asked for in PostgreSQL, and waited for. No transaction is open
meanwhile."""

import time

from psycopg_pool import ConnectionPool

from app.credentials.testing import Stored
from app.repository import credential_tests, workers
from app.repository.connection import Connection, reading, transaction

TAKEN_SECONDS = 5.0
"""So soon a worker has taken what it can do."""
PATIENCE_SECONDS = 15.0
LOOK_SECONDS = 0.1
NO_WORKER = "No worker is there that could test it: start one, and try again"
NO_PACKAGE = (
    "No worker that has the package of this credential has taken the test: see that one runs. `flask packages list` "
    "tells which packages there are, and what workers lack of them"
)
TOO_SLOW = f"The test has not ended within {PATIENCE_SECONDS:g} seconds"


class WorkerTests:
    """What one application asks of the workers that have shown life within `lease_seconds`."""

    def __init__(self, pool: ConnectionPool[Connection], lease_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds

    def problem(self, stored: Stored, kind: str) -> str | None:
        """Why the service does not take the credential, or nobody could try it; None when it does."""
        with transaction(self._pool) as connection:
            if not workers.read_capacity(connection, lease_seconds=self._lease_seconds).workers:
                return NO_WORKER
            number = credential_tests.ask(connection, stored.credential_id, stored.project_id, kind)
        try:
            return self._wait_for(number)
        finally:
            with transaction(self._pool) as connection:
                credential_tests.withdraw(connection, number)

    def _wait_for(self, number: int) -> str | None:
        begun = time.monotonic()
        while True:
            with reading(self._pool) as connection:
                outcome = credential_tests.read_outcome(connection, number)
            if outcome.done:
                return outcome.problem
            waited = time.monotonic() - begun
            if waited > PATIENCE_SECONDS:
                return TOO_SLOW
            if not outcome.taken and waited > TAKEN_SECONDS:
                return NO_PACKAGE
            time.sleep(LOOK_SECONDS)
