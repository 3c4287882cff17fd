"""Executions that start each other without end, and errors without a bound: both end, and it is said why."""

from app.repository.failure_patterns import MAX_NODE_LENGTH
from app.worker.texts import CUT, MAX_TEXT_LENGTH, shorten
from tests.patience import wait_until
from tests.worker.test_error_workflows import add, on_error
from tests.worker.test_sub_workflows import call, child
from tests.workflows import code, node, stop_and_error, stored

IN_FLIGHT = "SELECT count(*) FROM executions WHERE status IN ('new', 'running')"


def ended_chain(queue) -> list[tuple]:
    """Depth, status and error of each execution, once none is under way."""
    wait_until(lambda: queue.connection.execute(IN_FLIGHT).fetchone()[0] == 0, lambda: "the chain goes on")
    return queue.connection.execute("SELECT depth, status, error_message FROM executions ORDER BY id").fetchall()


def test_a_workflow_that_runs_itself_without_waiting_comes_to_an_end(staffed_queue) -> None:
    staffed_queue.save(child(call("again", options={"waitForSubWorkflow": False})), "again")
    staffed_queue.wait_for(staffed_queue.add("again"))
    rows = ended_chain(staffed_queue)
    assert [depth for depth, _, _ in rows] == list(range(21))
    assert {status for _, status, _ in rows[:-1]} == {"success"}
    assert rows[-1][1] == "error"
    assert "more than 20 executions" in rows[-1][2]


def test_what_follows_from_many_has_a_bound_in_its_project(staffed_queue) -> None:
    staffed_queue.save(child(call("again", options={"waitForSubWorkflow": False})), "again")
    staffed_queue.connection.execute(
        """INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, status, started_at, wait_till,
                                   depth)
           SELECT id, version_id, project_id, 'integrated', 'waiting', now(), now() + interval '1 day', 5
             FROM workflows, generate_series(1, 500)
            WHERE id = 'again'"""
    )
    staffed_queue.wait_for(staffed_queue.add("again"))
    rows = [row for row in ended_chain(staffed_queue) if row[1] != "waiting"]
    assert [(depth, status) for depth, status, _ in rows] == [(depth, "success") for depth in range(4)] + [(4, "error")]
    assert "500 executions of this project" in rows[-1][2]


def test_error_workflows_of_each_other_come_to_an_end(staffed_queue) -> None:
    trigger = node("Start", "errorTrigger")
    staffed_queue.save(stored(stop_and_error("one"), trigger=trigger, errorWorkflow="other"), "one")
    staffed_queue.save(stored(stop_and_error("other"), trigger=trigger, errorWorkflow="one"), "other")
    staffed_queue.save(stored(stop_and_error("first"), errorWorkflow="other"), "first")
    staffed_queue.wait_for([add(staffed_queue, "first", "trigger")])
    rows = ended_chain(staffed_queue)
    assert [depth for depth, _, _ in rows] == [0, 1, 2, 3]
    assert "error workflow was not started" in rows[-1][2]
    assert not any("not started" in message for _, _, message in rows[:-1])


def test_the_text_of_an_error_is_cut_where_lists_show_it(staffed_queue) -> None:
    staffed_queue.save(on_error(code("return $input.all()", "Alert")), "alert")
    fails = code("throw new Error('x'.repeat(100000))", "n" * 100_000)
    staffed_queue.save(stored(fails, errorWorkflow="alert"))
    [failed] = staffed_queue.wait_for([add(staffed_queue, "w1", "trigger")])
    assert len(failed.error_message.encode()) <= MAX_TEXT_LENGTH + len(CUT)
    assert failed.error_message.endswith(CUT)
    assert failed.error_node == "n" * MAX_NODE_LENGTH
    assert "x" * 100_000 in staffed_queue.data(failed.id)["resultData"]["error"]["message"]
    ended_chain(staffed_queue)
    sent = staffed_queue.connection.execute(
        "SELECT length(items::text) FROM execution_inputs AS i JOIN executions AS e ON e.id = i.execution_id"
        " WHERE e.mode = 'error'"
    ).fetchone()[0]
    assert sent < 4 * MAX_TEXT_LENGTH + 2 * 100_000


def test_a_text_is_cut_between_two_characters() -> None:
    assert shorten("a" * MAX_TEXT_LENGTH) == "a" * MAX_TEXT_LENGTH
    assert shorten("é" * MAX_TEXT_LENGTH) == "é" * (MAX_TEXT_LENGTH // 2) + CUT
