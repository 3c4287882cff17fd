"""Live workers fire schedules: each tick once, whoever is there, and what was missed as the setting says.

`make bench` measures how punctually.
"""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from app.repository import triggers, workflows
from app.repository.triggers import NewSchedule
from app.triggers.schedules import next_time, schedules_of
from app.vocabulary import IN_FLIGHT
from tests.patience import wait_until
from tests.workflows import no_op, node, stored, wait

pytestmark = [pytest.mark.slow, pytest.mark.own_database]

NEXT_NODE = no_op()
EVERY_SECOND = {"field": "seconds", "secondsInterval": 1}
FIRED = "SELECT e.id, e.mode, e.status, e.created_at FROM executions AS e WHERE e.workflow_id = %s ORDER BY e.id"
NOTE_TICKS = """
    CREATE TABLE ticks (workflow_id text, due timestamptz, next timestamptz, noted timestamptz);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO ticks VALUES (NEW.workflow_id, NEW.last_at, NEW.next_at, clock_timestamp());
        RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER UPDATE OF last_at ON schedules FOR EACH ROW EXECUTE FUNCTION note();
"""
TICKS = """
    SELECT (SELECT json_agg(json_build_object(
                       'due', extract(epoch FROM t.due),
                       'next', extract(epoch FROM t.next),
                       'noted', extract(epoch FROM t.noted)) ORDER BY t.due)
              FROM ticks AS t WHERE t.workflow_id = %(workflow)s),
           (SELECT count(*) FROM executions AS e WHERE e.workflow_id = %(workflow)s)
"""
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


def fired(queue, workflow_id: str = "w1", *, number: int = 1) -> list[tuple]:
    """The executions of a workflow, once there are so many."""

    def started() -> list[tuple]:
        return queue.connection.execute(FIRED, [workflow_id]).fetchall()

    wait_until(lambda: len(started()) >= number, lambda: f"{len(started())} of {number} executions were started")
    return started()


def test_with_two_workers_each_tick_fires_exactly_once(queue, start_worker) -> None:
    """Each follows the one before by a second, unless that was so late that the next ones were over already."""
    queue.connection.execute(NOTE_TICKS)
    start_worker(EXECUTIONS_POLL_SECONDS=3600)
    start_worker(EXECUTIONS_POLL_SECONDS=3600)
    for number in range(3):
        activate(queue, scheduled(EVERY_SECOND), f"w{number}")
    for number in range(3):
        fired(queue, f"w{number}", number=5)
        noted, started = queue.connection.execute(TICKS, {"workflow": f"w{number}"}).fetchone()
        ticks = orjson.loads(noted)
        assert len(ticks) == started, "one execution for each"
        for tick, following in pairwise(ticks):
            assert following["due"] == tick["next"], "none is left out, none comes twice"
            assert tick["next"] > tick["due"]
            assert tick["next"] - tick["due"] == 1 or tick["noted"] > tick["due"] + 1
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
    activate(queue, scheduled(EVERY_SECOND, nodes=(wait(60),)))
    start_worker()
    first = fired(queue, number=3)[0]
    assert queue.get(first[0]).status in IN_FLIGHT, "the first one has not ended meanwhile"


@pytest.mark.parametrize(
    ("setting", "late", "expected"),
    [("fire", timedelta(hours=3), 1), ("skip", timedelta(hours=3), 0), ("skip", timedelta(seconds=1), 1)],
)
def test_what_was_missed_while_everything_was_down(
    queue,
    start_worker,
    setting: str,
    late: timedelta,
    expected: int,
) -> None:
    started = datetime.now(UTC)
    missed = started - late
    activate(queue, scheduled({"field": "hours"}), due=missed)
    activate(queue, scheduled(EVERY_SECOND), "heartbeat")
    start_worker(EXECUTIONS_MISSED_SCHEDULES=setting)
    fired(queue, "heartbeat", number=2)  # by then the other was looked at as well
    assert len(fired(queue, number=0)) == expected, "once, however many hours were missed"
    next_at, last_at = queue.connection.execute(NEXT, ["w1"]).fetchone()
    assert started < next_at <= datetime.now(UTC) + timedelta(hours=1)
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
