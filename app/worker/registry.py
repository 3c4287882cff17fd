"""How a worker signs on and off in PostgreSQL."""

import os
import socket

from psycopg_pool import ConnectionPool

from app.credentials.key_check import report
from app.credentials.vault import Vault
from app.places import build
from app.repository import execution_totals, workers
from app.repository.connection import Connection, transaction
from app.settings import Settings
from app.worker.clock import Clock


class Registry:
    """The registrations of one worker: it has one after the other, each with an id of its own."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection], vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._pool = pool
        self._vault = vault
        self._clock = clock

    def register(self) -> int:
        """Sign on, read PostgreSQL's clock and report whether credentials can be decrypted; returns the new id."""
        with transaction(self._pool) as connection:
            self._clock.read(connection)
            report(connection, self._vault)
            execution_totals.begin(connection)
            return workers.register(
                connection,
                hostname=socket.gethostname(),
                pid=os.getpid(),
                concurrency=self._settings.concurrency,
                sends_notices=self._settings.failure_webhook is not None,
                program=build(),
            )

    def retire(self, worker_id: int) -> None:
        """Sign off."""
        with transaction(self._pool) as connection:
            workers.retire(connection, worker_id)
