"""On a million executions, every list, claim and count is served by an index and touches little.

The plans are run, not only estimated: a statement that walks through the table would show in its buffers.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from psycopg import sql

from app.repository import connection as connection_module
from app.repository import (
    custom_data_keys,
    deletions,
    execution_counts,
    execution_stats,
    execution_totals,
    failure_groups,
    retries,
    workers,
)
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement
from app.repository.execution_pages import read_page
from app.repository.execution_stats import StatsFilter
from app.repository.lifecycle import claims, crashes, endings, parents, results, stops
from app.vocabulary import MODES, STATUSES
from tests.postgres import shared_database
from tests.repository.million import fill
from tests.repository.plans import nodes, plan_of

BUFFERS = 1_500  # pages of 8 KiB that a page of a list, a claim or a count may touch


@pytest.fixture(scope="module")
def million(postgres_url: str):
    """A connection to a database that holds a million executions."""
    with connection_module.connect(shared_database(postgres_url, "million", fill), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled_at(million) -> datetime:
    """The start of the newest execution, which may be long before now on a slow machine."""
    return million.execute("SELECT max(started_at) FROM executions WHERE id <= 1000000").fetchone()[0]


def assert_cheap(plan: dict, *, buffers: int = BUFFERS) -> None:
    for node in nodes(plan):
        on_executions = node.get("Relation Name") == "executions"
        assert not (node["Node Type"] == "Seq Scan" and on_executions), plan
        if "Sort" in node["Node Type"]:
            assert node["Plans"][0]["Actual Rows"] <= 11_000, f"sorts too much: {plan}"
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert touched <= buffers, f"touches {touched} pages: {plan}"


NOW = datetime(2000, 1, 1, tzinfo=UTC)  # stands for the moment at which the database was filled
FILTERS = {
    "status": {"statuses": ("error",)},
    "rare status": {"statuses": ("crashed",)},
    "workflow": {"workflow_ids": ("w7",)},
    "workflow of long ago": {"workflow_ids": ("w3",)},
    "project": {"project_ids": ("small",)},
    "what a key may see": {"visible_project": "small"},
    "mode": {"modes": ("webhook",)},
    "rare mode": {"modes": ("cli",)},
    "started after": {"started_after": NOW - timedelta(seconds=500)},
    "started after now": {"started_after": NOW + timedelta(hours=1)},
    "started before": {"started_before": NOW - timedelta(seconds=700_000)},
    "started before all": {"started_before": NOW - timedelta(days=365)},
    "tag": {"tags": ("common",)},
    "rare tag": {"tags": ("rare",)},
    "vote": {"votes": ("up",)},
    "metadata": {"metadata_key": "customer", "metadata_value": "700"},
    "retry of": {"retry_of": (996,)},
    "error": {"error": "FAILED!"},
    "rare error": {"error": "rare one"},
    "error of long ago": {"error": "ago long"},
}
SINGLE = {name: ExecutionFilter(**fields) for name, fields in FILTERS.items()} | {
    "nothing": ExecutionFilter(),
    "two statuses": ExecutionFilter(statuses=("error", "canceled")),
    "metadata key": ExecutionFilter(metadata_key="customer"),
    "metadata key of long ago": ExecutionFilter(metadata_key="old"),
    "metadata key and started after": ExecutionFilter(metadata_key="old", started_after=NOW - timedelta(seconds=500)),
    "workflow without executions": ExecutionFilter(workflow_ids=("nothing",)),
    "problem": ExecutionFilter(problem_ids=(1,)),
    "problems and status": ExecutionFilter(problem_ids=(1, 2), statuses=("error", "success")),
    "problem and rare status": ExecutionFilter(problem_ids=(1,), statuses=("crashed",)),
    "problem and rare mode": ExecutionFilter(problem_ids=(1,), modes=("cli",)),
    "problem of another workflow": ExecutionFilter(problem_ids=(2,), workflow_ids=("w7",)),
    "problem of another project": ExecutionFilter(problem_ids=(2,), visible_project="default"),
    "problem and started before all": ExecutionFilter(problem_ids=(1,), started_before=NOW - timedelta(days=365)),
    "problem and error": ExecutionFilter(problem_ids=(1,), error="FAILED!"),
    "problem and rare error": ExecutionFilter(problem_ids=(1,), error="rare one"),
    "problem and error of long ago": ExecutionFilter(problem_ids=(1,), error="ago long"),
    "problem of long ago and error": ExecutionFilter(problem_ids=(2,), error="FAILED!"),
    "problem and tag": ExecutionFilter(problem_ids=(1,), tags=("common",)),
    "problem and rare tag": ExecutionFilter(problem_ids=(1,), tags=("rare",)),
    "problem of long ago and tag": ExecutionFilter(problem_ids=(2,), tags=("common",)),
    "ids": ExecutionFilter(ids=tuple(range(1, 1_000_000, 1_000))),
}
PAIRS = {
    f"{one} and {other}": ExecutionFilter(**FILTERS[one], **FILTERS[other])
    for one, other in combinations(FILTERS, 2)
    if not FILTERS[one].keys() & FILTERS[other].keys()
}

# What no index serves together: everything that the rarer of both holds is looked at, one look at the primary key
# (four pages) each. Here 10,000 executions carry the common tag, 500 a vote, and 20 one value of custom data.
LOOKED_AT = {"metadata": 20, "retry of": 1, "vote": 500, "rare tag": 10, "tag": 10_000}
PROBLEMS = {"problem", "problem of long ago"}
WORDS = {"error", "rare error", "error of long ago"}
TWO_ANNOTATIONS = {"tag", "rare tag", "vote", "metadata", "retry of"} | WORDS | PROBLEMS


def most_buffers(name: str) -> int:
    if name == "ids":
        return 5_000
    parts = set(name.split(" and "))
    looked_at = [LOOKED_AT[part] for part in parts & LOOKED_AT.keys()]
    served = not parts <= TWO_ANNOTATIONS and not parts & {"metadata", "retry of"}
    served |= bool(parts & PROBLEMS) and parts <= PROBLEMS | {"tag", "rare tag"}
    return BUFFERS if served or len(parts) == 1 else BUFFERS + 5 * min(looked_at, default=0)


def at(moment: datetime, wanted: ExecutionFilter) -> ExecutionFilter:
    """The same with times around `moment` instead of NOW."""
    times = {"started_after": wanted.started_after, "started_before": wanted.started_before}
    return replace(wanted, **{name: moment + (time - NOW) for name, time in times.items() if time is not None})


@pytest.mark.parametrize("before", [None, 250_000], ids=["first page", "deep page"])
@pytest.mark.parametrize("name", SINGLE | PAIRS)
def test_list_reads_little(million, filled_at: datetime, name: str, before: int | None) -> None:
    statement, parameters = page_statement(at(filled_at, (SINGLE | PAIRS)[name]), limit=101, before=before)
    assert_cheap(plan_of(million, statement, parameters), buffers=most_buffers(name))


@pytest.mark.parametrize("name", SINGLE)
def test_count_reads_little(million, filled_at: datetime, name: str) -> None:
    """Counting looks at up to 10,001 entries, where that can be from the index alone."""
    condition, parameters = at(filled_at, SINGLE[name]).condition()
    limit = sql.Literal(execution_counts.EXACT_UP_TO + 1)
    statement = execution_counts.COUNT.format(condition=condition, limit=limit)
    parameters["known_snapshot"] = None
    # A look at the table for each that is counted.
    joined = name.startswith(("ids", "tag", "metadata key", "error")) or name.endswith(" and error")
    assert_cheap(plan_of(million, statement, parameters), buffers=60_000 if joined else BUFFERS)


def test_writes_pay_for_six_indexes(million) -> None:
    """What waits, is annotated, a retry or was started late is in indexes that a normal execution never enters."""
    indexes = million.execute(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'executions'::regclass"
    ).fetchall()
    voted = {f"executions_voted_of_{column}" for column in ("mode", "workflow", "project")} | {"executions_by_vote"}
    seldom = {
        "executions_by_error",
        "executions_waiting",
        "executions_waiting_for",
        "executions_waiting_of_project",
        "executions_by_retry_of",
        "executions_one_retry_in_flight",
        "executions_by_problem",
    } | voted
    assert len({name for (name,) in indexes} - seldom - {"executions_started_late"}) == 6


def test_keys_of_custom_data_are_read_one_by_one(million) -> None:
    values = {"most": custom_data_keys.MOST, "looks": custom_data_keys.LOOKS}
    for project_id, keys in ((None, ["customer", "old"]), ("small", ["customer", "old"]), ("nobody", [])):
        assert custom_data_keys.list_keys(million, project_id=project_id) == keys
        assert_cheap(plan_of(million, custom_data_keys.LIST, {**values, "project_id": project_id}), buffers=300)


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
        stops.STOP,
        results.FINISH,
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
        "free": 20,
        "looks": 20,
        "extra": 5,
        "projects": [],
        "numbers": [],
        "turn": "m",
        "known": [],
        "ids": list(range(1, 51)),
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
        "message": "lost",
        "lease_seconds": 30.0,
        "longest": 2_000,
        "below": 500_000,
        "ended_before": filled_at,
        "window": 1_000,
        **execution_totals.KEPT_DAYS,
    }
    assert_cheap(plan_of(million, statement, parameters), buffers=8_000)


@pytest.mark.parametrize("statement", [stops.STOP_MANY, deletions.LOCK])
def test_many_at_once_reads_what_it_changes(million, statement: sql.SQL) -> None:
    wanted = ExecutionFilter(workflow_ids=("w20",), statuses=("running", "waiting", "new"))
    condition, parameters = wanted.condition()
    plan = plan_of(million, statement.format(condition=condition, limit=sql.Literal(100)), parameters)
    assert_cheap(plan, buffers=30_000)


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
    values = {"ids": ids, "modes": list(MODES), "statuses": list(STATUSES), "project_id": None, "number": 20}
    assert_cheap(plan_of(million, execution_stats.LAST_RUNS, values), buffers=20 * BUFFERS)


def test_a_count_beyond_the_limit_is_an_estimate_near_the_truth(million) -> None:
    count = read_page(million, ExecutionFilter(statuses=("success",)), limit=1).count
    assert count.estimated
    assert 900_000 < count.value < 1_100_000


def test_a_count_up_to_the_limit_is_exact(million) -> None:
    exact = read_page(million, ExecutionFilter(statuses=("canceled",)), limit=1).count
    none = read_page(million, ExecutionFilter(statuses=("crashed",)), limit=1).count
    assert (exact.value, exact.estimated) == (2_000, False)
    assert (none.value, none.estimated) == (0, False)
