"""On a million executions, what workers, stops, counts and statistics ask for is served by an index, too."""

from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from psycopg import sql

from app.repository import (
    deletions,
    execution_counts,
    execution_data,
    execution_stats,
    execution_totals,
    executions,
    failure_groups,
    relatives,
    retries,
    retry_jobs,
    workers,
)
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_stats import StatsFilter
from app.repository.lifecycle import claims, crashes, endings, finish_statements, parents, stops
from tests.repository.million import ROWS
from tests.repository.plans import BUFFERS, assert_cheap, nodes, plan_of


def test_other_counts_read_little(million) -> None:
    for statement in (
        execution_counts.CONCURRENT,
        execution_counts.QUEUE_DEPTH,
        execution_counts.WAITING,
        execution_counts.OLDEST_QUEUED,
    ):
        assert_cheap(plan_of(million, statement, {"project_id": None}))


@pytest.mark.parametrize(
    "statement",
    [
        claims.CLAIM_NEW,
        claims.CLAIM_DUE,
        claims.CLAIM_DUE_EXTRA,
        claims.UNACKNOWLEDGED,
        claims.NO_LONGER_HELD,
        claims.NEXT_WAIT_SECONDS,
        finish_statements.FINISH,
        finish_statements.FINISH_FAILED,
        finish_statements.FINISH_MANY,
        finish_statements.FINISH_MANY_FAILED,
        endings.LINK_RETRY_CHAIN,
        execution_totals.APPEND,
        failure_groups.APPEND,
        failure_groups.APPEND_MENDED,
        failure_groups.TAKE,
        failure_groups.COUNT_MENDED,
        execution_totals.ADD_UP,
        execution_totals.BACKFILL,
        retries.ORIGINAL,
        retries.RETRY_IN_FLIGHT,
        relatives.ORIGINALS_WITH_DATA,
        relatives.ROOTS,
        execution_data.WHOLE,
        executions.INPUT,
        executions.MORE_DATA,
        retry_jobs.RETRIED_SINCE,
        retry_jobs.TAKEN,
        crashes.CRASH,
        crashes.LAPSE,
        workers.ALIVE,
        parents.WAKE,
        parents.WAKE_IF_OVER,
    ],
)
def test_work_reads_little(million, filled_at: datetime, statement: str) -> None:
    worker_id = million.execute("SELECT min(id) FROM workers").fetchone()[0]
    parameters = {
        "worker_id": worker_id,
        "limit": 20,
        "asked_at": filled_at,
        "free": 20,
        "looks": 20,
        "extra": 5,
        "projects": [],
        "numbers": [],
        "turn": "m",
        "known": [],
        "starting": [],
        "unclaimed": [],
        "most": 2**20,
        "ids": list(range(1, 51)),
        "roots": list(range(1, 51)),
        "job_id": 7,
        "id": 997 * 10,
        "project_id": None,
        "status": "success",
        "wait_till": None,
        "resume_on": None,
        "waits_for": None,
        "channel": "executions_new",
        "error_node": None,
        "error_message": None,
        "problem_id": None,
        "encoded": b"{}",
        "run_index": None,
        "input_preview": None,
        "encoding": "identity",
        "json_size_bytes": 2,
        "waiting_node": None,
        **dict.fromkeys(("error_nodes", "error_messages", "problem_ids", "previews"), [None] * 50),
        "statuses": ["success"] * 50,
        "sizes": [2] * 50,
        "encodings": ["identity"] * 50,
        "contents": [b"{}"] * 50,
        "message": "lost",
        "lease_seconds": 30.0,
        "longest": 2_000,
        "counted_as": "{}",
        "below": ROWS // 2,
        "ended_before": filled_at,
        "window": 1_000,
        **execution_totals.KEPT_DAYS,
    }
    assert_cheap(plan_of(million, statement, parameters), buffers=8_000)


@pytest.mark.parametrize("statement", [stops.STOP, deletions.LOCK])
def test_many_at_once_reads_what_it_changes(million, statement: sql.SQL) -> None:
    wanted = ExecutionFilter(workflow_ids=("w20",), statuses=("running", "waiting", "new"))
    condition, parameters = wanted.condition()
    plan = plan_of(million, statement.format(condition=condition, limit=sql.Literal(100)), parameters)
    assert_cheap(plan, buffers=30_000)


@pytest.mark.parametrize(
    "statement",
    [
        execution_totals.APPEND,
        failure_groups.APPEND,
        finish_statements.FINISH,
        finish_statements.FINISH_FAILED,
        finish_statements.FINISH_MANY,
        finish_statements.FINISH_MANY_FAILED,
    ],
)
def test_what_every_end_pays_for_is_not_planned_for_how_many_there_are(million, statement: str) -> None:
    """It would be planned anew each time for a few."""
    plans = "SELECT name, custom_plans, generic_plans FROM pg_prepared_statements"
    known = {name for name, *_ in million.execute(plans, prepare=False)}
    values = defaultdict(lambda: None, {"ids": [100], "worker_id": 1, "longest": 2_000, "contents": [b""]})
    with million.transaction(force_rollback=True):
        for _ in range(6):
            million.execute(statement, values, prepare=True)
        made = [numbers for name, *numbers in million.execute(plans, prepare=False) if name not in known]
        assert [5, 1] in made


def test_a_stop_of_one_reads_one(million) -> None:
    condition, parameters = ExecutionFilter(ids=(997 * 10,)).condition()
    assert_cheap(plan_of(million, stops.STOP.format(condition=condition), parameters), buffers=8_000)


@pytest.mark.parametrize(
    ("days", "wanted"), [(7, {}), (90, {"workflow_ids": ("w7",)}), (7, {"visible_project": "small"})], ids=str
)
@pytest.mark.parametrize("key", ["time", "workflow"])
def test_statistics_read_totals_and_not_executions(
    million, filled_at: datetime, days: int, wanted: dict, key: str
) -> None:
    asked = StatsFilter(filled_at - timedelta(days=days), filled_at + timedelta(hours=1), **wanted)
    totals_condition, parameters = asked.condition("t")
    ends_condition, _ = asked.condition("x")
    statement = execution_stats.STATS.format(
        key=execution_stats.KEYS[key], totals_condition=totals_condition, ends_condition=ends_condition
    )
    times = {"begin": asked.begin, "end": asked.end, "width": timedelta(hours=1), "origin": execution_stats.ORIGIN}
    plan = plan_of(million, statement, {**parameters, **times, "unit": "hour"})
    assert_cheap(plan, buffers=5_000)  # a page for each total
    assert {node.get("Relation Name") for node in nodes(plan)} <= {"execution_totals", "execution_ends", None}
    assert not any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == "execution_totals" for node in nodes(plan)
    )


def test_the_last_runs_of_many_workflows_are_short_ranges(million) -> None:
    ids = [f"w{n}" for n in range(1, 21)]
    values = {"ids": ids, "project_id": None, "number": 20}
    assert_cheap(plan_of(million, execution_stats.LAST_RUNS, values), buffers=2 * BUFFERS)
