"""Live workers fire schedules: each tick once, whoever is there, and what was missed as the setting says."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from app.repository import triggers, workflows
from app.repository.triggers import NewSchedule
from app.triggers.schedules import next_time, schedules_of
from tests.workflows import no_op, node, stored, wait

NEXT_NODE = no_op()
EVERY_SECOND = {"field": "seconds", "secondsInterval": 1}
FIRED = "SELECT e.id, e.mode, e.status, e.created_at FROM executions AS e WHERE e.workflow_id = %s ORDER BY e.id"
NEXT = "SELECT s.next_at, s.last_at FROM schedules AS s WHERE s.workflow_id = %s"


def scheduled(*intervals: dict, nodes=(NEXT_NODE,)) -> bytes:
    """A workflow that starts at a Schedule Trigger with these rules."""
    return stored(*nodes, trigger=node("Start", "scheduleTrigger", {"rule": {"interval": list(intervals)}}, 1.2))


def activate(queue, definition: bytes, workflow_id: str = "w1", *, due: datetime | None = None) -> str:
    """Save a workflow with its schedules; `due` is when they fire first, their own next time by default."""
    queue.save(definition, workflow_id)
    rules = [
        NewSchedule(s.node, s.rule_index, orjson.dumps(s.rule), due or next_time(s.rule, datetime.now(UTC)))
        for s in schedules_of(orjson.loads(definition))
    ]
    with queue.connection.transaction():
        triggers.register(queue.connection, workflow_id, [], rules)
    return workflow_id


def fired(queue, workflow_id: str = "w1", *, number: int = 1, seconds: float = 10) -> list[tuple]:
    """The executions of a workflow, once there are so many."""
    deadline = time.monotonic() + seconds
    while True:
        rows = queue.connection.execute(FIRED, [workflow_id]).fetchall()
        if len(rows) >= number:
            return rows
        assert time.monotonic() < deadline, f"{len(rows)} of {number} executions were started"
        time.sleep(0.02)


def test_with_two_workers_each_tick_fires_exactly_once_and_on_time(queue, start_worker) -> None:
    start_worker(EXECUTIONS_POLL_SECONDS=30)
    start_worker(EXECUTIONS_POLL_SECONDS=30)
    for number in range(3):
        activate(queue, scheduled(EVERY_SECOND), f"w{number}")
    for number in range(3):
        rows = fired(queue, f"w{number}", number=5)[:5]
        seconds = [created.replace(microsecond=0) for _, _, _, created in rows]
        assert [b - a for a, b in pairwise(seconds)] == [timedelta(seconds=1)] * 4
        assert max(created.microsecond for *_, created in rows) < 500_000, "one fired late"
    first = fired(queue, "w0")[0]
    [execution] = queue.wait_for([first[0]])
    assert (execution.mode, execution.status) == ("trigger", "success")
    item = queue.data(first[0])["resultData"]["runData"]["Start"][0]["data"]["main"][0][0]["json"]
    assert item["timestamp"].startswith(f"{first[3].astimezone(UTC):%Y-%m-%dT%H:%M:%S}.")
    assert set(item) >= {"Readable date", "Day of week", "Timezone"}


def test_each_rule_of_a_node_fires_by_itself(queue, start_worker) -> None:
    activate(queue, scheduled(EVERY_SECOND, {"field": "seconds", "secondsInterval": 2}, {"field": "months"}))
    start_worker()
    rows = fired(queue, number=7)
    assert len({created.replace(microsecond=0) for *_, created in rows}) < len(rows), "both fire in even seconds"


def test_a_run_that_takes_longer_than_the_interval_holds_nothing_up(queue, start_worker) -> None:
    activate(queue, scheduled(EVERY_SECOND, nodes=(wait(10),)))
    start_worker()
    fired(queue, number=3, seconds=5)


@pytest.mark.parametrize(
    ("setting", "late", "expected"),
    [("fire", timedelta(hours=3), 1), ("skip", timedelta(hours=3), 0), ("skip", timedelta(seconds=30), 1)],
)
def test_what_was_missed_while_everything_was_down(
    queue,
    start_worker,
    setting: str,
    late: timedelta,
    expected: int,
) -> None:
    missed = datetime.now(UTC) - late
    activate(queue, scheduled({"field": "hours"}), due=missed)
    activate(queue, scheduled(EVERY_SECOND), "heartbeat")
    start_worker(EXECUTIONS_MISSED_SCHEDULES=setting)
    fired(queue, "heartbeat", number=2)  # by then the other was looked at as well
    assert len(fired(queue, number=0)) == expected, "once, however many hours were missed"
    next_at, last_at = queue.connection.execute(NEXT, ["w1"]).fetchone()
    assert timedelta(0) < next_at - datetime.now(UTC) <= timedelta(hours=1)
    assert last_at == missed


def test_one_that_cannot_be_followed_any_more_holds_up_no_other(queue, start_worker) -> None:
    """Such as a timezone that this machine's database does not have."""
    now = datetime.now(UTC)
    activate(queue, scheduled({"field": "hours"}), "broken", due=now)
    queue.connection.execute("""UPDATE schedules SET rule = '{"timezone":"Mars/Olympus","cron":"x","every":1}'""")
    activate(queue, scheduled({"field": "hours"}), due=now)
    worker = start_worker()
    fired(queue)
    worker.check()
    assert fired(queue, "broken", number=0) == []
    assert "cannot be followed" in worker.log_tail()
    assert queue.connection.execute(NEXT, ["broken"]).fetchone()[0] > now + timedelta(minutes=30), (
        "it is looked at again"
    )


def test_one_that_is_deactivated_fires_no_more(queue, start_worker) -> None:
    activate(queue, scheduled(EVERY_SECOND))
    start_worker()
    fired(queue)
    with queue.connection.transaction():
        triggers.register(queue.connection, "w1", [], [])
    before = len(fired(queue))
    time.sleep(2)
    assert len(fired(queue)) == before


def test_the_current_version_runs(queue, start_worker) -> None:
    activate(queue, scheduled(EVERY_SECOND), due=datetime.now(UTC) + timedelta(seconds=2))
    changed = scheduled(EVERY_SECOND, nodes=(no_op("Changed"),))
    workflows.save_workflow(queue.connection, "w1", name="w1", definition=changed)
    start_worker()
    [(execution_id, *_), *_] = fired(queue)
    queue.wait_for([execution_id])
    assert set(queue.ran(execution_id)) == {"Start", "Changed"}
