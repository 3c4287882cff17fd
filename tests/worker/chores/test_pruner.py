"""The worker's pruner, round after round over a real database: it ends with what the settings ask to keep."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from app.repository import annotations
from app.repository.connection import open_pool
from app.settings import Settings
from app.worker.chores import pruner as module
from app.worker.chores.pruner import pruner
from app.worker.database import Database
from tests.patience import wait_until
from tests.repository.given import a_worker, a_workflow, an_ended_execution


@contextmanager
def two_pruners(database_url: str, **environ: str) -> Iterator[None]:
    """Two of them at work in a thread of their own."""
    settings = Settings.from_environment({"DATABASE_URL": database_url, **environ})
    stop = threading.Event()

    async def run() -> None:
        with open_pool(database_url, size=3, name="test") as pool, ThreadPoolExecutor() as threads:
            database = Database(pool, threads)
            tasks = [asyncio.create_task(pruner(settings, database).run()) for _ in range(2)]
            await asyncio.to_thread(stop.wait)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def await_left(connection, kept: set[int]) -> None:
    """Wait until exactly these executions are left."""
    wait_until(lambda: left(connection) == kept, lambda: left(connection) ^ kept)


def left(connection) -> set[int]:
    with connection.transaction():
        return {row[0] for row in connection.execute("SELECT id FROM executions")}


def test_it_keeps_the_newest_of_each_workflow_and_looks_again(connection, database_url, monkeypatch) -> None:
    monkeypatch.setattr(module, "ROUND_SECONDS", 0.1)
    worker_id = a_worker(connection)
    for workflow_id in ("busy", "quiet"):
        a_workflow(connection, workflow_id)
    quiet = [an_ended_execution(connection, worker_id, "success", "quiet") for _ in range(3)]
    busy = [an_ended_execution(connection, worker_id, "success", "busy") for _ in range(12)]
    annotations.set_vote(connection, busy[0], "up")
    connection.commit()
    with two_pruners(database_url, EXECUTIONS_PRUNE_KEEP_PER_WORKFLOW="2"):
        await_left(connection, {*quiet[-2:], *busy[-2:], busy[0]})
        busy += [an_ended_execution(connection, worker_id, "success", "busy") for _ in range(3)]
        await_left(connection, {*quiet[-2:], *busy[-2:], busy[0]})


def test_it_keeps_the_newest_of_all(connection, database_url) -> None:
    worker_id = a_worker(connection)
    a_workflow(connection)
    ended = [an_ended_execution(connection, worker_id, "success") for _ in range(9)]
    with two_pruners(database_url, EXECUTIONS_PRUNE_KEEP="4"):
        await_left(connection, set(ended[-4:]))
