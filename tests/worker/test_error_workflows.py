"""What happens because an execution has failed: its error workflow starts, with what is known of the failure."""

import time

import orjson

from app.repository import executions, lifecycle, workers
from app.repository.execution_filters import ExecutionFilter
from tests.patience import wait_until
from tests.worker.test_sub_workflows import call, child
from tests.workflows import no_op, node, set_field, stop_and_error, stored, wait

COUNT = "SELECT count(*) FROM executions WHERE mode = 'error'"


def on_error(*nodes) -> bytes:
    """A workflow that starts at an Error Trigger."""
    return stored(*nodes, trigger=node("Start", "errorTrigger"))


def add(queue, workflow_id: str, mode: str) -> int:
    """Queue an execution of another mode than the tests' usual one."""
    return queue.add(workflow_id, mode=mode)[0]


def error_runs(queue, number: int = 1) -> list[int]:
    """The executions of mode error, once there are so many."""

    def started() -> list[int]:
        rows = queue.connection.execute("SELECT id FROM executions WHERE mode = 'error' ORDER BY id")
        return [row[0] for row in rows]

    wait_until(lambda: len(started()) >= number, lambda: f"{len(started())} of {number} error workflows were started")
    return started()


def test_it_learns_what_failed_where(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op("Alert")), "alert")
    staffed_queue.save(stored(set_field("a", "1"), stop_and_error("no stock"), errorWorkflow="alert"))
    failed = add(staffed_queue, "w1", "trigger")
    staffed_queue.wait_for([failed])
    [started] = error_runs(staffed_queue)
    [execution] = staffed_queue.wait_for([started])
    assert (execution.status, execution.workflow_id) == ("success", "alert")
    parent = staffed_queue.connection.execute("SELECT parent_id FROM executions WHERE id = %s", [started]).fetchone()[0]
    assert parent == failed
    [run] = staffed_queue.data(started)["resultData"]["runData"]["Alert"]
    [item] = run["data"]["main"][0]
    told = item["json"]
    assert told["workflow"] == {"id": "w1", "name": "w1"}
    assert {key: told["execution"][key] for key in ("id", "lastNodeExecuted", "mode")} == {
        "id": str(failed),
        "lastNodeExecuted": "Halt",
        "mode": "trigger",
    }
    error = told["execution"]["error"]
    assert (error["message"], error["name"], error["node"]["name"]) == ("no stock", "NodeOperationError", "Halt")


def test_a_failed_sub_workflow_starts_its_own_and_so_does_its_parent(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op()), "alert")
    staffed_queue.save(child(stop_and_error("no stock"), errorWorkflow="alert"), "child")
    staffed_queue.save(stored(call("child"), errorWorkflow="alert"))
    failed = add(staffed_queue, "w1", "trigger")
    staffed_queue.wait_for([failed, *error_runs(staffed_queue, 2)])
    parents = staffed_queue.connection.execute(
        "SELECT parent_id FROM executions WHERE mode = 'error' ORDER BY parent_id"
    )
    assert [row[0] for row in parents] == [failed, failed + 1]


def test_a_run_whose_time_is_over_has_failed_too_and_one_that_was_stopped_counts_once(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op("Alert")), "alert")
    staffed_queue.save(stored(wait(60), errorWorkflow="alert", executionTimeout=3), "slow")
    staffed_queue.save(stored(wait(60), errorWorkflow="alert"), "stopped")
    slow, stopped = add(staffed_queue, "slow", "trigger"), add(staffed_queue, "stopped", "trigger")
    staffed_queue.wait_for([stopped], ["running"])
    lifecycle.stop(staffed_queue.connection, stopped)
    told = {}
    for started in error_runs(staffed_queue, 2):
        staffed_queue.wait_for([started])
        item = staffed_queue.data(started)["resultData"]["runData"]["Alert"][0]["data"]["main"][0][0]["json"]
        told[int(item["execution"]["id"])] = item["execution"]["error"]["name"]
    assert told == {slow: "TimeoutExecutionCancelledError", stopped: "ManualExecutionCancelledError"}
    time.sleep(0.5)
    assert staffed_queue.connection.execute(COUNT).fetchone()[0] == 2


def test_an_error_workflow_that_fails_does_not_start_itself(staffed_queue) -> None:
    nodes = [stop_and_error("first"), node("On error", "errorTrigger"), stop_and_error("second", "Halt again")]
    staffed_queue.save(stored(*nodes, lines=[("Start", "Halt"), ("On error", "Halt again")]))
    failed = add(staffed_queue, "w1", "trigger")
    [first] = staffed_queue.wait_for([failed])
    assert first.error_message == "first"
    [started] = error_runs(staffed_queue)
    [execution] = staffed_queue.wait_for([started])
    assert (execution.status, execution.error_message) == ("error", "second"), "it started at its Error Trigger"
    time.sleep(0.5)
    assert staffed_queue.connection.execute(COUNT).fetchone()[0] == 1


def test_none_starts_for_manual_runs_successes_and_stale_names(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op()), "alert")
    staffed_queue.save(stored(stop_and_error(), errorWorkflow="alert"), "by hand")
    staffed_queue.save(stored(no_op(), errorWorkflow="alert"), "fine")
    staffed_queue.save(stored(stop_and_error(), errorWorkflow="gone"), "stale")
    ids = [
        staffed_queue.add("by hand")[0],
        add(staffed_queue, "fine", "trigger"),
        add(staffed_queue, "stale", "trigger"),
    ]
    assert [execution.status for execution in staffed_queue.wait_for(ids)] == ["error", "success", "error"]
    time.sleep(0.5)
    assert staffed_queue.connection.execute(COUNT).fetchone()[0] == 0


def test_one_that_is_stopped_while_it_runs_starts_it_in_the_same_transaction(queue, start_worker) -> None:
    queue.save(on_error(no_op("Alert")), "alert")
    queue.save(stored(wait(60), errorWorkflow="alert"))
    running, waiting, manual = add(queue, "w1", "webhook"), add(queue, "w1", "trigger"), queue.add("w1")[0]
    worker_id = workers.register(queue.connection, hostname="h", pid=1, concurrency=9)
    claimed = {claim.id for claim in lifecycle.claim(queue.connection, worker_id, 3)}
    assert claimed == {running, waiting, manual}
    queue.connection.execute("UPDATE executions SET status = 'waiting', resume_on = 'webhook' WHERE id = %s", [waiting])
    lifecycle.stop(queue.connection, waiting)
    lifecycle.stop(queue.connection, manual)
    assert queue.connection.execute(COUNT).fetchone() == (0,)
    with queue.connection.transaction(force_rollback=True):
        lifecycle.stop_many(queue.connection, ExecutionFilter(ids=(running,)))
        assert queue.connection.execute(COUNT).fetchone() == (1,)
    lifecycle.stop(queue.connection, running, address="https://example.com")
    [started] = error_runs(queue)
    [item] = orjson.loads(executions.read_inputs(queue.connection, [started])[started].items)
    assert item["json"] == {
        "execution": {
            "id": str(running),
            "url": f"https://example.com/console/executions/{running}",
            "error": {"name": "ManualExecutionCancelledError", "message": "The execution was cancelled manually"},
            "mode": "webhook",
        },
        "workflow": {"id": "w1", "name": "w1"},
    }


def test_the_editors_word_for_no_error_workflow_names_none(staffed_queue) -> None:
    document = orjson.loads(stored(stop_and_error(), errorWorkflow="DEFAULT"))
    document["nodes"].append(node("Error", "errorTrigger"))
    staffed_queue.save(orjson.dumps(document))
    failed = add(staffed_queue, "w1", "trigger")
    staffed_queue.wait_for([failed])
    [started] = error_runs(staffed_queue)
    assert staffed_queue.get(started).workflow_id == "w1"


def test_one_that_an_earlier_release_has_queued_starts_at_its_error_trigger_or_not_at_all(staffed_queue) -> None:
    staffed_queue.save(on_error(no_op()), "alert")
    staffed_queue.save(stored(no_op()), "entrance")
    ids = [add(staffed_queue, "alert", "error"), add(staffed_queue, "entrance", "error")]
    alert, entrance = staffed_queue.wait_for(ids)
    assert alert.status == "success"
    assert (entrance.status, staffed_queue.ran(entrance.id)) == ("error", {})
