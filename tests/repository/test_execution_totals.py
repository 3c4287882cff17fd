"""Totals count every end once, whoever has ended it and whoever adds them up, and keep what was deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.repository import deletions, execution_stats, execution_totals, lifecycle
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_stats import Stats, StatsFilter, milliseconds, read_stats
from app.repository.lifecycle import Result
from tests.repository.given import DATA, a_new_execution, a_running_execution, a_worker, a_workflow, an_ended_execution


def totals(connection, unit: str = "minute", *, days: int = 1) -> dict[str, int]:
    """How many ended lately, by status."""
    now = datetime.now(UTC)
    wanted = StatsFilter(now - timedelta(days=days), now + timedelta(days=1))
    found = read_stats(connection, wanted, "status", unit=unit, width=timedelta(days=1))
    return {status: stats.count for status, stats in found.items()}


def test_every_way_of_ending_counts_once(connection):
    worker_id = a_worker(connection)
    a_workflow(connection)
    for status in ("success", "error", "canceled"):
        an_ended_execution(connection, worker_id, status)
    unwanted = a_running_execution(connection, worker_id)
    lifecycle.finish(connection, worker_id, [Result(unwanted, "success", "manual", DATA, keep=False)])
    waiting = a_running_execution(connection, worker_id)
    later = datetime.now(UTC) + timedelta(hours=1)
    lifecycle.finish(connection, worker_id, [Result(waiting, "waiting", "manual", DATA, wait_till=later)])
    a_new_execution(connection)
    lifecycle.stop_many(connection, ExecutionFilter(statuses=("new",)))
    a_running_execution(connection, worker_id)
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 day'")
    connection.commit()
    lifecycle.reap(connection, lease_seconds=30)
    connection.commit()
    expected = {"success": 2, "error": 1, "canceled": 2, "crashed": 1}
    assert totals(connection) == expected
    deletions.delete_executions(connection, ExecutionFilter(statuses=("success", "error", "canceled", "crashed")))
    assert execution_totals.add_up(connection) is False
    for unit in ("minute", "hour", "day"):
        assert totals(connection, unit) == expected


def test_those_that_add_up_at_once_count_nothing_twice(connect, connection):
    worker_id = a_worker(connection)
    a_workflow(connection)
    for _ in range(12):
        an_ended_execution(connection, worker_id, "success")

    def add_up() -> None:
        own = connect()
        for _ in range(6):
            execution_totals.add_up(own, limit=1)
            own.commit()

    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(add_up) for _ in range(3)]:
            done.result()
    while execution_totals.add_up(connection, limit=5):
        connection.commit()
    assert connection.execute("SELECT count(*) FROM execution_ends").fetchone() == (0,)
    assert totals(connection, "day") == {"success": 12}


def test_what_had_ended_before_is_counted_bit_by_bit(connection):
    worker_id = a_worker(connection)
    a_workflow(connection)
    for _ in range(7):
        an_ended_execution(connection, worker_id, "success")
    old = an_ended_execution(connection, worker_id)
    connection.execute(
        "UPDATE executions SET started_at = now() - interval '40 days', stopped_at = now() - interval '40 days'"
        " WHERE id = %s",
        [old],
    )
    connection.execute("DELETE FROM execution_ends")
    connection.execute("INSERT INTO execution_backfill DEFAULT VALUES")
    assert execution_totals.backfill(connection) is False, "no worker has begun to count"
    execution_totals.begin(connection)
    an_ended_execution(connection, worker_id, "success")
    execution_totals.begin(connection)
    assert [execution_totals.backfill(connection, window=3) for _ in range(4)] == [True, True, False, False]
    execution_totals.add_up(connection)
    assert totals(connection, days=60) == {"success": 8}, "minutes are kept for two days"
    assert totals(connection, "hour", days=60) == {"success": 8, "error": 1}


def test_small_units_are_forgotten_first(connection):
    insert = (
        "INSERT INTO execution_totals (unit, begins_at, workflow_id, mode, status, project_id, buckets, numbers)"
        " SELECT unit, now() - make_interval(days => age), 'w', 'manual', 'error', 'p', '{1}', '{1}'"
        " FROM unnest(ARRAY['minute', 'hour', 'day']) AS unit, unnest(ARRAY[1, 30, 300, 3000]) AS age"
    )
    connection.execute(insert)
    execution_totals.forget_old(connection)
    kept = connection.execute("SELECT unit, count(*) FROM execution_totals GROUP BY unit").fetchall()
    assert dict(kept) == {"minute": 1, "hour": 2, "day": 3}


@pytest.mark.parametrize("span", ["0 ms", "1 ms", "1.3 ms", "7 ms", "999 ms", "61 s", "5 hours", "90 days"])
def test_a_bucket_stands_for_what_is_in_it(connection, span):
    statement = "SELECT duration_bucket(now(), now() + %s::interval), extract(epoch FROM %s::interval)::float * 1000"
    bucket, true = connection.execute(statement, [span, span]).fetchone()
    assert milliseconds(bucket) == pytest.approx(true, rel=0.05, abs=1)


def test_percentiles_are_those_of_what_had_started():
    stats = Stats()
    assert stats.percentile(0.5) is None
    stats.add("canceled", [-1], [1000])
    assert stats.percentile(0.5) is None
    stats.add("success", [10, 20, 30], [50, 45, 5])
    assert [stats.percentile(share) for share in (0.5, 0.51, 0.95, 0.96)] == [milliseconds(b) for b in (10, 20, 20, 30)]
    assert execution_stats.GROWTH == 1.1
