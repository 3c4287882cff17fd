"""What a worker counts reaches the totals once, an idle one opens no transaction, and a run that is cancelled at once
still leaves its result."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from app.repository import counters, workers
from app.repository.connection import open_pool
from app.repository.lifecycle import Claim
from app.settings import Settings
from app.worker.beat import Beat
from app.worker.clock import Clock
from app.worker.held_executions import cancel

REFUSE_AT_COMMIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON counters
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.own_database
def test_what_was_counted_in_a_failed_transaction_is_counted_in_the_next(connect, database_url, tmp_path: Path) -> None:
    connection = connect(autocommit=True)
    worker_id = workers.register(connection, hostname="host", pid=1, concurrency=1)
    settings = Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path)})
    with open_pool(database_url, size=1, name="test") as pool:
        beat = Beat(settings, pool, worker_id, Clock())
        claim = dict.fromkeys(Claim.__dataclass_fields__, None)
        beat.claimed(Claim(**{**claim, "waited_seconds": 2.0}))
        beat.late_results = 3
        connection.execute(REFUSE_AT_COMMIT)
        with pytest.raises(psycopg.errors.RaiseException):
            beat([])
        connection.execute("DROP TRIGGER refuse ON counters")
        beat.late_results += 1
        beat([])
        beat([])
    totals = {total.name: total.value for total in counters.totals(connection) if not total.labels}
    assert totals[counters.LATE_RESULTS] == 4
    assert totals[counters.CLAIM_LATENCY_SUM] == 2.0


class CountedPool:
    """A pool that counts how often a connection was asked for: each time is a transaction."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self.transactions = 0

    def connection(self):
        self.transactions += 1
        return self._pool.connection()


def test_no_transaction_is_opened_where_nothing_is_due(connect, database_url, tmp_path: Path) -> None:
    worker_id = workers.register(connect(autocommit=True), hostname="host", pid=1, concurrency=1)
    environ = {"EXECUTIONS_HEARTBEAT_SECONDS": "1000", "EXECUTIONS_LEASE_SECONDS": "3000"}
    settings = Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path), **environ})
    with open_pool(database_url, size=1, name="test") as opened:
        pool = CountedPool(opened)
        beat = Beat(settings, pool, worker_id, Clock())
        opened_by = []
        for held, late_results in (([], 0), ([7], 0), ([], 1), ([], 1)):
            before, beat.late_results = pool.transactions, late_results
            assert beat(held) == set(held), "nobody knows of an execution 7"
            opened_by.append(pool.transactions - before)
    assert opened_by == [0, 1, 1, 0]


def test_a_run_that_is_cancelled_at_once_takes_its_first_step() -> None:
    async def run() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "canceled"
        return "ran on"

    async def main() -> str:
        task = asyncio.create_task(run())
        cancel(task)
        return await task

    assert asyncio.run(main()) == "canceled"
