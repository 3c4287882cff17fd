"""Settings of a workflow that decide what is kept of its executions, and how long they may take."""

import pytest

from tests.patience import wait_until
from tests.worker.test_error_workflows import add, error_runs, on_error
from tests.worker.test_sub_workflows import call, child
from tests.workflows import no_op, set_field, stop_and_error, stored, wait

LEFT = "SELECT id FROM executions WHERE id = ANY(%s) ORDER BY id"
IN_FLIGHT = "SELECT count(*) FROM executions WHERE status IN ('new', 'running', 'waiting')"


def wait_until_idle(queue) -> None:
    wait_until(lambda: queue.connection.execute(IN_FLIGHT).fetchone() == (0,))


def test_what_is_not_to_be_kept_is_gone_when_it_has_ended(queue, start_worker) -> None:
    nothing = {"saveDataSuccessExecution": "none", "saveDataErrorExecution": "none"}
    queue.save(stored(no_op(), **nothing), "fine")
    queue.save(stored(stop_and_error(), **nothing), "fails")
    queue.save(stored(stop_and_error(), saveDataSuccessExecution="none"), "only fails")
    gone = [add(queue, "fine", "trigger"), add(queue, "fails", "webhook")]
    kept = [add(queue, "only fails", "trigger"), *queue.add("fine"), *queue.add("fails")]
    start_worker()
    wait_until_idle(queue)
    assert [row[0] for row in queue.connection.execute(LEFT, [gone + kept])] == sorted(kept)
    ends = queue.connection.execute("SELECT sum(value) FROM counters WHERE name = 'executions_ended'").fetchone()[0]
    assert ends == 5, "they count all the same"


def test_a_failure_that_is_not_kept_starts_its_error_workflow_all_the_same(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op()), "alert")
    settings = {"saveDataErrorExecution": "none", "errorWorkflow": "alert"}
    staffed_queue.save(stored(stop_and_error("no stock"), **settings))
    failed = add(staffed_queue, "w1", "trigger")
    [started] = error_runs(staffed_queue)
    assert staffed_queue.wait_for([started])[0].status == "success"
    assert staffed_queue.connection.execute(LEFT, [[failed]]).fetchall() == []


@pytest.mark.slow
@pytest.mark.parametrize("below", [False, True])
def test_a_run_ends_as_canceled_when_its_time_is_over(staffed_queue, below: bool) -> None:
    staffed_queue.save(child(wait(60)), "child")
    slow = call("child") if below else wait(60)
    staffed_queue.save(stored(set_field("a", "1"), slow, no_op(), executionTimeout=3))
    [execution_id] = staffed_queue.add()
    [execution] = staffed_queue.wait_for([execution_id])
    assert execution.status == "canceled", "it was, long before it would have ended by itself"
    assert (execution.stopped_at - execution.started_at).total_seconds() > 2.9
    assert staffed_queue.ran(execution_id)["Edit"] == ["success"]
    if below:
        assert staffed_queue.wait_for([execution_id + 1])[0].status == "canceled"
