"""Whose turn it is in the queue: no project waits for another one's queue to end, nor the queue for waits."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.repository import lifecycle, triggers
from app.repository.lifecycle import FIRST_TURN, NO_EXTRA_PLACES, Result, claims
from app.repository.triggers import NewSchedule
from tests.repository.given import DATA, a_new_execution, a_running_execution, a_worker, a_workflow
from tests.repository.plans import nodes, plan_of

pytestmark = pytest.mark.own_database

DUE = datetime(2020, 1, 1, tzinfo=UTC)
QUEUE = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode)
    SELECT w.id, w.version_id, w.project_id, 'new', 'manual'
      FROM workflows AS w, generate_series(1, %(number)s)
     WHERE w.id = %(workflow_id)s
"""


def queue(connection, project_id: str, number: int = 1) -> None:
    connection.execute(
        "INSERT INTO projects (id, name) VALUES (%(id)s, %(id)s) ON CONFLICT DO NOTHING", {"id": project_id}
    )
    known = connection.execute("SELECT EXISTS (SELECT FROM workflows WHERE id = %s)", [project_id]).fetchone()[0]
    if not known:
        a_workflow(connection, project_id, project_id=project_id)
    connection.execute(QUEUE, {"workflow_id": project_id, "number": number})


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_a_flood_of_one_project_keeps_no_other_back(connection, limit: int) -> None:
    worker_id = a_worker(connection)
    queue(connection, "many", 200)
    for project_id in ("a", "z", "none before"):
        queue(connection, project_id)
    turn, projects = FIRST_TURN, Counter()
    for _ in range(-(-4 // limit)):
        claimed = lifecycle.claim(connection, worker_id, limit, turn=turn)
        assert len(claimed) == limit
        projects.update(claim.project_id for claim in claimed)
        turn = turn.next(claimed)
    assert set(projects) == {"many", "a", "z", "none before"}
    assert {projects[name] for name in ("a", "z", "none before")} == {1}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queued=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=5),
)
def test_each_is_claimed_once_in_the_order_of_its_project(
    connection, queued: dict[str, int], limits: list[int]
) -> None:
    worker_id = a_worker(connection)
    for project_id, number in queued.items():
        queue(connection, project_id, number)
    turn, seen, left, starved = FIRST_TURN, {name: [] for name in queued}, Counter(queued), Counter()
    while left:
        limit = limits[sum(map(len, seen.values())) % len(limits)]
        claimed = lifecycle.claim(connection, worker_id, limit, turn=turn)
        assert len(claimed) == min(limit, left.total())
        turn = turn.next(claimed)
        for claim in sorted(claimed, key=lambda claim: claim.id):
            seen[claim.project_id].append(claim.id)
        starved = Counter({name: starved[name] + 1 for name in left if left[name]})
        for name in {claim.project_id for claim in claimed}:
            starved[name] = 0
        left -= Counter(claim.project_id for claim in claimed)
        assert all(times < len(queued) for times in starved.values())
    for name, ids in seen.items():
        assert len(set(ids)) == queued[name]
        assert ids == sorted(ids)
    connection.execute("UPDATE executions SET status = 'canceled', stopped_at = now() WHERE status = 'running'")
    connection.commit()


def test_waits_that_are_over_keep_the_queue_back_for_one_turn_only(connection) -> None:
    worker_id = a_worker(connection)
    a_workflow(connection)
    waits = [a_running_execution(connection, worker_id) for _ in range(3)]
    results = [Result(each, "waiting", "manual", DATA, wait_till=DUE) for each in waits]
    assert lifecycle.finish(connection, worker_id, results) == set(waits)
    queued = a_new_execution(connection)
    turn, order = FIRST_TURN, []
    for _ in range(4):
        claimed = lifecycle.claim(connection, worker_id, 1, turn=turn)
        turn = turn.next(claimed)
        order += [claim.id for claim in claimed]
    assert order.index(queued) == 1
    assert sorted(order) == sorted([*waits, queued])


def test_a_claim_reads_as_much_of_a_long_queue_as_it_takes(connection) -> None:
    worker_id = a_worker(connection)
    queue(connection, "many", 20_000)
    queue(connection, "z")
    parameters = {"worker_id": worker_id, "free": 5, "looks": 5, "turn": "many", **NO_EXTRA_PLACES.parameters}
    plan = plan_of(connection, claims.CLAIM_NEW, parameters)
    looks = [node for node in nodes(plan) if node.get("Relation Name") == "executions" and "Scan" in node["Node Type"]]
    assert {node.get("Index Name") for node in looks} == {"executions_queued", "executions_pkey"}
    assert all(node["Actual Rows"] * node["Actual Loops"] <= 10 for node in looks), plan
    assert not any(node.get("Rows Removed by Filter") for node in looks), plan


def test_a_claim_reads_no_waits_that_are_not_over(connection) -> None:
    worker_id = a_worker(connection)
    queue(connection, "many", 2_000)
    connection.execute(
        "UPDATE executions SET status = 'waiting', started_at = now(), wait_till = now() + id * interval '1 day'"
    )
    connection.execute("ANALYZE executions")
    plan = plan_of(connection, claims.CLAIM_DUE, {"worker_id": worker_id, "limit": 5, "unclaimed": []})
    assert not any(node.get("Rows Removed by Filter") for node in nodes(plan)), plan


def test_schedules_of_one_project_keep_no_other_ones_from_firing(connection) -> None:
    for project_id, number in (("many", 30), ("few", 1)):
        queue(connection, project_id)
        due = DUE + timedelta(days=number == 1)  # the few are the last by their time
        rules = [NewSchedule("Start", place, b"{}", due) for place in range(number)]
        triggers.register(connection, project_id, [], rules)
    fired: list[tuple[str, int]] = []
    while taken := triggers.take_due_schedules(connection, limit=4):
        for schedule in taken:
            triggers.mark_fired(connection, schedule, datetime.now(UTC) + timedelta(hours=1))
        fired += [(schedule.workflow_id, schedule.rule_index) for schedule in taken]
    assert ("few", 0) in fired[:4]
    assert sorted(fired) == [("few", 0), *(("many", place) for place in range(30))]
