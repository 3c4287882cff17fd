"""On a million executions, every list, claim and count is served by an index and touches little.

The plans are run, not only estimated: a statement that walks through the table would show in its buffers. `make test`
looks at a tenth of the executions with bounds of a tenth where they grow with them, `make check-plans` at all.
"""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from psycopg import sql

from app.repository import custom_data, execution_counts
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement
from app.repository.execution_pages import read_page
from tests.repository.million import ROWS
from tests.repository.plans import BUFFERS, assert_cheap, plan_of

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
    "started before": {"started_before": NOW - timedelta(seconds=ROWS * 7 // 10)},
    "started before all": {"started_before": NOW - timedelta(days=365)},
    "touched by": {"touched_by": (1,)},
    "touched long ago": {"touched_by": (2,)},
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
    "ids": ExecutionFilter(ids=tuple(range(1, ROWS, ROWS // 1_000))),
}
PAIRS = {
    f"{one} and {other}": ExecutionFilter(**FILTERS[one], **FILTERS[other])
    for one, other in combinations(FILTERS, 2)
    if not FILTERS[one].keys() & FILTERS[other].keys()
}

# What no index serves together: everything that the rarer of both holds is looked at, one look at the primary key
# (four pages) each. Of a million 10,000 executions carry the common tag, 500 a vote, and 20 one value of custom data.
LOOKED_AT = {
    "touched by": ROWS // 100,
    "touched long ago": ROWS // 1_000,
    "metadata": 20,
    "retry of": 1,
    "vote": ROWS // 2_000,
    "rare tag": 10,
    "tag": ROWS // 100,
}
PROBLEMS = {"problem", "problem of long ago"}
WORDS = {"error", "rare error", "error of long ago"}
CALLS = {"touched by", "touched long ago"}
TWO_ANNOTATIONS = {"tag", "rare tag", "vote", "metadata", "retry of"} | WORDS | PROBLEMS


def most_buffers(name: str) -> int:
    if name == "ids":
        return 5_000
    parts = set(name.split(" and "))
    looked_at = [LOOKED_AT[part] for part in parts & LOOKED_AT.keys()]
    served = not parts <= TWO_ANNOTATIONS and not parts & ({"metadata", "retry of"} | CALLS)
    served |= bool(parts & PROBLEMS) and parts <= PROBLEMS | {"tag", "rare tag"}
    return BUFFERS if served or len(parts) == 1 else BUFFERS + 5 * min(looked_at, default=0)


def at(moment: datetime, wanted: ExecutionFilter) -> ExecutionFilter:
    """The same with times around `moment` instead of NOW."""
    times = {"started_after": wanted.started_after, "started_before": wanted.started_before}
    return replace(wanted, **{name: moment + (time - NOW) for name, time in times.items() if time is not None})


def test_every_filter_is_looked_at() -> None:
    given = {field.name for wanted in SINGLE.values() for field in fields(wanted) if getattr(wanted, field.name)}
    assert given == {field.name for field in fields(ExecutionFilter)}


@pytest.mark.parametrize("before", [None, ROWS // 4], ids=["first page", "deep page"])
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
    # A look at the table for each that is counted: of the key that most have, each twentieth has it.
    looks = 6 * min(execution_counts.EXACT_UP_TO, ROWS // 20)
    joined = name.startswith(("ids", "tag", "touched", "metadata key", "error")) or name.endswith(" and error")
    assert_cheap(plan_of(million, statement, parameters), buffers=looks if joined else BUFFERS)


def test_writes_pay_for_six_indexes(million) -> None:
    """What waits, is annotated, a retry, deep or late is in indexes that a normal execution never enters."""
    indexes = million.execute(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'executions'::regclass"
    ).fetchall()
    voted = {f"executions_voted_of_{column}" for column in ("mode", "workflow", "project")} | {"executions_by_vote"}
    seldom = {
        "executions_waiting",
        "executions_waiting_for",
        "executions_waiting_of_project",
        "executions_by_retry_of",
        "executions_one_retry_in_flight",
        "executions_by_problem",
        "executions_deep",
    } | voted
    assert len({name for (name,) in indexes} - seldom - {"executions_started_late"}) == 6


def test_keys_of_custom_data_are_read_one_by_one(million) -> None:
    values = {"most": custom_data.MAX_KEYS, "looks": custom_data.LOOKS}
    for project_id, keys in ((None, ["customer", "old"]), ("small", ["customer", "old"]), ("nobody", [])):
        assert custom_data.list_keys(million, project_id=project_id) == keys
        assert_cheap(plan_of(million, custom_data.LIST_KEYS, {**values, "project_id": project_id}), buffers=300)


def test_a_count_beyond_the_limit_is_an_estimate_near_the_truth(million) -> None:
    count = read_page(million, ExecutionFilter(statuses=("success",)), limit=1).count
    assert count.estimated
    assert 0.9 * ROWS < count.value < 1.1 * ROWS


def test_a_count_up_to_the_limit_is_exact(million) -> None:
    exact = read_page(million, ExecutionFilter(statuses=("canceled",)), limit=1).count
    none = read_page(million, ExecutionFilter(statuses=("crashed",)), limit=1).count
    assert (exact.value, exact.estimated) == (ROWS // 500, False)
    assert (none.value, none.estimated) == (0, False)
