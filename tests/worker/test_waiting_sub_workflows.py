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


def test_each_item_waits_for_its_own_answer(staffed_queue) -> None:
    staffed_queue.save(child(FOR_A_CALL, saveDataSuccessExecution="none"), "deepest")
    staffed_queue.save(child(call("deepest")), "child")
    staffed_queue.save(stored(call("child", mode="each"), no_op()))
    [parent] = staffed_queue.add(items=b'[{"json":{"n":1}},{"json":{"n":2}}]')
    answer(staffed_queue, parent + 2, "yes")
    answer(staffed_queue, parent + 4, "no")
    assert staffed_queue.wait_for([parent])[0].status == "success"
    assert output_of(staffed_queue, parent, "Done") == [{"said": "yes"}, {"said": "no"}]
    assert [each.status for each in staffed_queue.wait_for([parent + 1, parent + 3])] == ["success", "success"]


def test_a_stop_of_the_parent_stops_what_waits_below(staffed_queue) -> None:
    staffed_queue.save(child(FOR_A_CALL), "deepest")
    staffed_queue.save(child(call("deepest")), "child")
    staffed_queue.save(stored(call("child")))
    [parent] = staffed_queue.add()
    ids = [parent, parent + 1, parent + 2]
    staffed_queue.wait_for(ids, ["waiting"])
    [run] = staffed_queue.data(parent)["resultData"]["runData"]["Call"]
    assert run["metadata"]["subExecution"] == {"executionId": str(parent + 1), "workflowId": "child"}
    lifecycle.stop(staffed_queue.connection, parent)
    assert {each.status for each in staffed_queue.wait_for(ids)} == {"canceled"}


@pytest.mark.parametrize("end", ["canceled", "gone"])
def test_one_that_ends_without_an_answer_fails_its_parent_and_a_retry_begins_anew(staffed_queue, end) -> None:
    staffed_queue.save(child(FOR_A_CALL), "child")
    staffed_queue.save(stored(call("child")))
    [parent] = staffed_queue.add()
    staffed_queue.wait_for([parent, parent + 1], ["waiting"])
    if end == "canceled":
        lifecycle.stop(staffed_queue.connection, parent + 1)
    else:
        staffed_queue.connection.execute("DELETE FROM executions WHERE id = %s", [parent + 1])
    [failed] = staffed_queue.wait_for([parent])
    assert (failed.status, failed.error_node) == ("error", "Call")
    [again] = staffed_queue.add(mode="retry", retry_of=parent)
    answer(staffed_queue, again + 1, "yes")
    assert staffed_queue.wait_for([again])[0].status == "success"
    assert output_of(staffed_queue, again) == [{"said": "yes"}]
