"""A database of the first release is brought to the newest while its programs go on as if nothing were.

`ROWS=1000000 pytest -s tests/test_upgrade.py` does it with a million executions and says how long statements took.
"""

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.migrations import LOCK_SECONDS, MIGRATIONS, migrate, pending
from app.repository.connection import connect
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import list_executions
from tests.first_release import fill
from tests.postgres import cloned_database

pytestmark = pytest.mark.slow

ROWS = int(os.environ.get("ROWS", "3000"))
PROMISED_SECONDS = 1.0  # that a statement may wait for a lock, with a processor for everybody
HELD_SECONDS = 8.0  # how long somebody's transaction is in the migrations' way; whoever queues behind waits as long

# What the programs of the first release ask for all the time.
LIST = """
    SELECT e.id, e.status, e.mode, e.started_at, v.name
      FROM executions AS e JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     WHERE e.status = ANY(ARRAY['success', 'error']) ORDER BY e.id DESC LIMIT 101
"""
READ = "SELECT d.data FROM execution_data AS d WHERE d.execution_id = (SELECT min(e.id) FROM executions AS e)"
QUEUE = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode)
    SELECT w.id, w.version_id, w.project_id, 'manual' FROM workflows AS w WHERE w.id = 'w1' RETURNING id
"""
CLAIM = """
    UPDATE executions AS e SET status = 'running', worker_id = %(worker)s, started_at = clock_timestamp()
     WHERE e.id = ANY(ARRAY(SELECT q.id FROM executions AS q WHERE q.status = 'new' ORDER BY q.id LIMIT 5
                               FOR UPDATE SKIP LOCKED))
    RETURNING e.id
"""
FINISH = """
    UPDATE executions AS e SET status = 'success', stopped_at = clock_timestamp(), json_size_bytes = 2
     WHERE e.id = ANY(%(ids)s) AND e.status = 'running' AND e.worker_id = %(worker)s
"""
KEEP = "INSERT INTO execution_data (execution_id, data) SELECT id, '{}' FROM unnest(%(ids)s::bigint[]) AS id"
REGISTER = "INSERT INTO workers (hostname, pid, concurrency) VALUES ('old', 1, 5) RETURNING id"
HEARTBEAT = "UPDATE workers SET heartbeat_at = clock_timestamp() WHERE id = %(worker)s AND stopped_at IS NULL"
MAKE_TAG = "INSERT INTO tags (id, name) VALUES ('urgent', 'urgent') ON CONFLICT (id) DO NOTHING"
TAG = """
    INSERT INTO execution_tags (execution_id, tag_id)
    SELECT max(e.id), 'urgent' FROM executions AS e WHERE e.status = 'success' ON CONFLICT DO NOTHING
"""
SAVE = """
    WITH v AS (INSERT INTO workflow_versions (workflow_id, name, definition) VALUES ('w2', 'W', '{}') RETURNING id)
    UPDATE workflows AS w SET version_id = (SELECT id FROM v), updated_at = now() WHERE w.id = 'w2'
"""

# Who has waited for whom, and how long; building an index concurrently waits without holding anybody up.
WAITS = """
    SELECT a.pid, a.query, extract(epoch FROM clock_timestamp() - l.waitstart)::float
      FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
     WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
       AND a.application_name = 'executions-api'
"""
IN_THE_WAY = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %(pid)s = ANY(pg_blocking_pids(pid)))"


@pytest.fixture
def first_release(postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """A database of the first release, full of executions."""
    for path in MIGRATIONS.glob("0001.*.sql"):
        shutil.copy(path, tmp_path)
    with cloned_database(postgres_url, "template0") as url:
        migrate(url, migrations=tmp_path)
        with connect(url, autocommit=True) as connection:
            fill(connection, ROWS)
        yield url


class Traffic:
    """Threads that each do their part over and over, and how long the longest of their statements took."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.done: Counter[str] = Counter()
        self.slowest: tuple[float, str] = (0.0, "")
        self.queued: set[int] = set()
        self._ended = threading.Event()

    def start(self, threads: ThreadPoolExecutor) -> list[Future[None]]:
        parts = (self._read, self._queue, self._work, self._tag, self._save)
        return [threads.submit(self._repeat, part) for part in parts]

    def end(self) -> None:
        self._ended.set()

    def _repeat(self, part: Callable[[Callable[..., Any], int], None]) -> None:
        with connect(self.url, autocommit=True) as connection:
            worker = connection.execute(REGISTER).fetchone()[0]

            def timed(statement: str, **values: Any) -> list[tuple]:
                began = time.monotonic()
                cursor = connection.execute(statement, values)
                self.slowest = max(self.slowest, (time.monotonic() - began, statement))
                self.done[statement] += 1
                return cursor.fetchall() if cursor.description else []

            while not self._ended.wait(0.03):
                with connection.transaction():
                    part(timed, worker)

    def _read(self, timed: Callable[..., Any], worker: int) -> None:
        assert len(timed(LIST)) == 101
        assert timed(READ)

    def _queue(self, timed: Callable[..., Any], worker: int) -> None:
        self.queued |= {row[0] for row in timed(QUEUE)}

    def _work(self, timed: Callable[..., Any], worker: int) -> None:
        timed(HEARTBEAT, worker=worker)
        ids = [row[0] for row in timed(CLAIM, worker=worker)]
        timed(FINISH, ids=ids, worker=worker)
        timed(KEEP, ids=ids)

    def _tag(self, timed: Callable[..., Any], worker: int) -> None:
        timed(MAKE_TAG)
        timed(TAG)

    def _save(self, timed: Callable[..., Any], worker: int) -> None:
        timed(SAVE)


def watch(url: str, migrating: Future[list[str]]) -> dict[str, float]:
    """The longest wait for a lock of each statement until the migration has ended.

    A transaction that has read from tables which the migrations change stays open until it has been in their way.
    """
    longest: dict[str, float] = {}
    with psycopg.connect(url) as in_the_way, psycopg.connect(url, autocommit=True) as watcher:
        in_the_way.execute("SELECT FROM workers, execution_data LIMIT 1")
        met = 0.0
        while not migrating.done():
            for _, query, seconds in watcher.execute(WAITS):
                longest[query] = max(longest.get(query, 0.0), seconds)
            if not met and watcher.execute(IN_THE_WAY, {"pid": in_the_way.info.backend_pid}).fetchone() == (True,):
                met = time.monotonic()
            if met and time.monotonic() > met + HELD_SECONDS:
                in_the_way.rollback()
            time.sleep(0.02)
        assert met, "the migrations never met the open transaction"
    return longest


def test_no_statement_waits_while_the_first_release_becomes_the_newest(first_release: str) -> None:
    traffic = Traffic(first_release)
    began = time.monotonic()
    with ThreadPoolExecutor() as threads:
        parts = traffic.start(threads)
        try:
            migrating = threads.submit(migrate, first_release)
            waits = watch(first_release, migrating)
        finally:
            traffic.end()
        applied = migrating.result()
        for part in parts:
            part.result()
    print(
        f"{ROWS:,} executions: {len(applied)} migrations in {time.monotonic() - began:.1f} s beside "
        f"{sum(traffic.done.values()):,} statements; longest wait for a lock {max(waits.values(), default=0):.2f} s, "
        f"slowest statement {traffic.slowest[0]:.2f} s: {' '.join(traffic.slowest[1].split())[:60]}"
    )
    assert {query: seconds for query, seconds in waits.items() if seconds >= HELD_SECONDS / 2} == {}
    assert LOCK_SECONDS < PROMISED_SECONDS
    with connect(first_release) as connection:
        assert pending(connection) == []
        # What was queued meanwhile is there, and the tags that were given are described as the newest release needs.
        assert {row[0] for row in connection.execute("SELECT id FROM executions")} >= traffic.queued
        assert len(traffic.queued) > 10
        assert connection.execute("SELECT count(*) FROM execution_tags WHERE status IS NULL").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)
        failed = list_executions(connection, ExecutionFilter(error="answer NO"), limit=ROWS)
        assert len(failed) == ROWS // 100
