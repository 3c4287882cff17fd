"""Sub-workflows that wait for a call: their parents wait as well, and go on with what has become of them."""

import orjson
import pytest

from app.repository import lifecycle
from tests.worker.test_sub_workflows import call, child, output_of
from tests.workflows import no_op, node, stored

pytestmark = pytest.mark.slow
FOR_A_CALL = node("Wait", "wait", {"resume": "webhook", "options": {}}, 1.1)


def answer(queue, execution_id: int, said: str) -> None:
    queue.wait_for([execution_id], ["waiting"])
    with queue.connection.transaction():
        lifecycle.resume_by_webhook(queue.connection, execution_id, orjson.dumps([{"json": {"said": said}}]))


def test_each_item_waits_for_its_own_answer(queue, start_worker) -> None:
    queue.save(child(FOR_A_CALL, saveDataSuccessExecution="none"), "deepest")
    queue.save(child(call("deepest")), "child")
    queue.save(stored(call("child", mode="each"), no_op()))
    [parent] = queue.add(items=b'[{"json":{"n":1}},{"json":{"n":2}}]')
    start_worker()
    answer(queue, parent + 2, "yes")
    answer(queue, parent + 4, "no")
    assert queue.wait_for([parent])[0].status == "success"
    assert output_of(queue, parent, "Done") == [{"said": "yes"}, {"said": "no"}]
    assert [each.status for each in queue.wait_for([parent + 1, parent + 3])] == ["success", "success"]


def test_a_stop_of_the_parent_stops_what_waits_below(queue, start_worker) -> None:
    queue.save(child(FOR_A_CALL), "deepest")
    queue.save(child(call("deepest")), "child")
    queue.save(stored(call("child")))
    [parent] = queue.add()
    start_worker()
    ids = [parent, parent + 1, parent + 2]
    queue.wait_for(ids, ["waiting"])
    [run] = queue.data(parent)["resultData"]["runData"]["Call"]
    assert run["metadata"]["subExecution"] == {"executionId": str(parent + 1), "workflowId": "child"}
    lifecycle.stop(queue.connection, parent)
    assert {each.status for each in queue.wait_for(ids)} == {"canceled"}


@pytest.mark.parametrize("end", ["canceled", "gone"])
def test_one_that_ends_without_an_answer_fails_its_parent_and_a_retry_begins_anew(queue, start_worker, end) -> None:
    queue.save(child(FOR_A_CALL), "child")
    queue.save(stored(call("child")))
    [parent] = queue.add()
    start_worker()
    queue.wait_for([parent, parent + 1], ["waiting"])
    if end == "canceled":
        lifecycle.stop(queue.connection, parent + 1)
    else:
        queue.connection.execute("DELETE FROM executions WHERE id = %s", [parent + 1])
    [failed] = queue.wait_for([parent])
    assert (failed.status, failed.error_node) == ("error", "Call")
    [again] = queue.add(mode="retry", retry_of=parent)
    answer(queue, again + 1, "yes")
    assert queue.wait_for([again])[0].status == "success"
    assert output_of(queue, again) == [{"said": "yes"}]
