"""Sub-workflows on a live worker: executions of their own that share their parent's place, end and stop."""

import os
import signal

import orjson
import pytest

from app.repository import lifecycle, projects
from tests.patience import wait_until
from tests.worker.conftest import LEASE
from tests.workflows import call_out, code, no_op, node, set_field, stop_and_error, stored, wait

pytestmark = pytest.mark.slow


def call(workflow_id: str, name: str = "Call", **parameters):
    chosen = {"__rl": True, "mode": "id", "value": workflow_id}
    return node(name, "executeWorkflow", {"workflowId": chosen, "options": {}, **parameters}, 1.2)


def child(*nodes, **settings) -> bytes:
    """A workflow that others can call."""
    trigger = node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    return stored(*nodes, trigger=trigger, **settings)


def output_of(queue, execution_id: int, node: str = "Call") -> list[dict]:
    [run] = queue.data(execution_id)["resultData"]["runData"][node]
    return [item["json"] for item in run["data"]["main"][0]]


def family(queue) -> list[tuple]:
    rows = queue.connection.execute("SELECT workflow_id, mode, status, parent_id FROM executions ORDER BY id")
    return rows.fetchall()


def test_three_deep_over_http_in_a_worker_with_one_place(start_server, start_worker, queue) -> None:
    server = start_server()
    start_worker(EXECUTIONS_CONCURRENCY=1)

    def create(name: str, definition: bytes) -> str:
        answer = server.post("/api/v1/workflows", {"name": name, **orjson.loads(definition)})
        assert answer.status == 200, answer.body
        return answer.body["id"]

    deepest = create("deepest", child(set_field("path", "={{ $json.path }} > deepest")))
    middle = create("middle", child(set_field("path", "={{ $json.path }} > middle"), call(deepest)))
    top = create("top", stored(set_field("path", "top"), call(middle), no_op()))
    answer = server.post(f"/api/v1/workflows/{top}/run", {"wait": 60})
    assert (answer.status, answer.body["status"]) == (200, "success"), answer.body
    first = int(answer.body["id"])
    assert output_of(queue, first, "Done") == [{"path": "top > middle > deepest"}]
    assert family(queue) == [
        (top, "manual", "success", None),
        (middle, "integrated", "success", first),
        (deepest, "integrated", "success", first + 1),
    ]
    [run] = queue.data(first)["resultData"]["runData"]["Call"]
    link = {"executionId": str(first + 1), "workflowId": middle}
    assert run["metadata"] == {"subExecution": link, "subExecutionsCount": 1}
    shown = server.get(f"/api/v1/executions/{first + 1}?includeData=true").body
    assert (shown["mode"], shown["workflowId"]) == ("integrated", middle)


def test_more_parents_than_places_do_not_wait_for_each_other(queue, start_worker) -> None:
    queue.save(child(set_field("a", "1"), wait(0.2)), "child")
    queue.save(stored(call("child"), no_op()))
    ids = queue.add(number=6)
    start_worker(EXECUTIONS_CONCURRENCY=2)
    assert {execution.status for execution in queue.wait_for(ids)} == {"success"}
    assert len(family(queue)) == 12


def test_each_item_by_itself_or_all_at_once(staffed_queue) -> None:
    staffed_queue.save(child(code("return [{json: {seen: $input.all().map((item) => item.json.n)}}]")), "child")
    staffed_queue.save(stored(call("child", mode="each")), "each")
    staffed_queue.save(stored(call("child", mode="once")), "once")
    items = orjson.dumps([{"json": {"n": n}} for n in (1, 2, 3)])
    each, once = staffed_queue.add("each", items=items)[0], staffed_queue.add("once", items=items)[0]
    staffed_queue.wait_for([each, once])
    assert output_of(staffed_queue, each) == [{"seen": [1]}, {"seen": [2]}, {"seen": [3]}]
    assert output_of(staffed_queue, once) == [{"seen": [1, 2, 3]}]


FAILS_FOR_TWO = code("if ($json.n == 2) throw new Error('two'); return $input.all()")
N1, N3, ERROR = {"n": 1}, {"n": 3}, {"error": "two [line 1]"}


@pytest.mark.parametrize(
    ("mode", "on_error", "expected"),
    [
        ("each", "continueRegularOutput", [[N1, N3], [ERROR]]),
        ("each", "continueErrorOutput", [[N1, N3], []]),
        ("once", "continueRegularOutput", [[ERROR]]),
        ("once", "continueErrorOutput", [[], [{"n": 2, **ERROR}]]),
    ],
)
def test_items_that_fail_come_out_where_n8n_puts_them(staffed_queue, mode, on_error, expected) -> None:
    staffed_queue.save(child(FAILS_FOR_TWO), "child")
    staffed_queue.save(stored({**call("child", mode=mode), "onError": on_error}))
    numbers = (1, 2, 3) if mode == "each" else (2, 1, 3)
    [execution_id] = staffed_queue.add(items=orjson.dumps([{"json": {"n": n}} for n in numbers]))
    assert staffed_queue.wait_for([execution_id])[0].status == "success"
    [run] = staffed_queue.data(execution_id)["resultData"]["runData"]["Call"]
    assert [[item["json"] for item in items] for items in run["data"]["main"]] == expected


def test_a_document_in_the_node_runs_without_a_record(staffed_queue) -> None:
    inline = child(set_field("said", "={{ $json.word }}!")).decode()
    staffed_queue.save(stored(set_field("word", "hello"), call("", source="parameter", workflowJson=inline)))
    [execution_id] = staffed_queue.add()
    staffed_queue.wait_for([execution_id])
    assert output_of(staffed_queue, execution_id) == [{"said": "hello!"}]
    assert len(family(staffed_queue)) == 1


def test_a_document_in_the_node_can_call_a_stored_workflow(staffed_queue) -> None:
    staffed_queue.save(child(set_field("said", "={{ $json.word }}!")), "stored")
    inline = child(set_field("word", "={{ $json.word.toUpperCase() }}"), call("stored")).decode()
    staffed_queue.save(stored(set_field("word", "hello"), call("", source="parameter", workflowJson=inline)))
    [execution_id] = staffed_queue.add()
    staffed_queue.wait_for([execution_id])
    assert output_of(staffed_queue, execution_id) == [{"said": "HELLO!"}]
    assert family(staffed_queue)[1:] == [("stored", "integrated", "success", execution_id)]


@pytest.mark.parametrize("calls", ["itself", "a stored one"])
def test_documents_that_run_each_other_without_end_fail_and_say_so(staffed_queue, calls: str) -> None:
    """The document comes in with the item, so that it can hand itself on."""
    again = call("", name="Again", source="parameter", workflowJson="={{ $json.document }}")
    staffed_queue.save(child(again), "stored")
    document = child(again if calls == "itself" else call("stored")).decode()
    staffed_queue.save(stored(again))
    [execution_id] = staffed_queue.add(items=orjson.dumps([{"json": {"document": document}}]))
    [execution] = staffed_queue.wait_for([execution_id])
    assert (execution.status, "deep" in execution.error_message) == ("error", True)
    assert len(family(staffed_queue)) == (1 if calls == "itself" else 11)


def test_one_that_nobody_waits_for_goes_on_by_itself(staffed_queue) -> None:
    staffed_queue.save(child(wait(1), set_field("a", "1")), "child")
    staffed_queue.save(stored(call("child", options={"waitForSubWorkflow": False}), no_op()))
    [execution_id] = staffed_queue.add(items=b'[{"json":{"kept":1}}]')
    [parent] = staffed_queue.wait_for([execution_id])
    assert output_of(staffed_queue, execution_id, "Done") == [{"kept": 1}]
    assert staffed_queue.get(execution_id + 1).status != "success", "the parent has waited"
    [apart] = staffed_queue.wait_for([execution_id + 1])
    assert (parent.status, apart.status, apart.mode) == ("success", "success", "integrated")


def test_its_failure_is_the_parents(staffed_queue) -> None:
    staffed_queue.save(child(stop_and_error("no stock")), "child")
    staffed_queue.save(stored(call("child"), no_op()))
    [execution_id] = staffed_queue.add()
    [parent] = staffed_queue.wait_for([execution_id])
    assert (parent.status, parent.error_node, parent.error_message) == ("error", "Call", "no stock")
    [below] = staffed_queue.wait_for([execution_id + 1])
    assert (below.status, below.error_node) == ("error", "Halt")


@pytest.mark.parametrize("missing", ["nowhere", "elsewhere"])
def test_only_workflows_of_the_same_project_can_be_called(staffed_queue, missing: str) -> None:
    project = projects.create_project(staffed_queue.connection, "p2", "Other")
    assert project is not None
    staffed_queue.save(child(no_op()), "elsewhere")
    staffed_queue.connection.execute("UPDATE workflows SET project_id = 'p2' WHERE id = 'elsewhere'")
    staffed_queue.save(stored(call(missing)))
    [execution_id] = staffed_queue.add()
    [execution] = staffed_queue.wait_for([execution_id])
    assert (execution.status, execution.error_node) == ("error", "Call")
    assert execution.error_message == "Workflow does not exist."
    assert missing in staffed_queue.data(execution_id)["resultData"]["error"]["description"]
    assert len(family(staffed_queue)) == 1


def test_one_that_calls_itself_without_end_fails_and_says_so(staffed_queue) -> None:
    staffed_queue.save(child(call("w1")))
    [execution_id] = staffed_queue.add()
    [execution] = staffed_queue.wait_for([execution_id])
    assert execution.status == "error"
    assert "deep" in execution.error_message
    below = [row[0] for row in staffed_queue.connection.execute("SELECT id FROM executions ORDER BY id")]
    assert 5 < len(below) < 50
    assert {each.status for each in staffed_queue.wait_for(below)} == {"error"}


def test_a_stop_of_the_parent_stops_all_below(staffed_queue, outside) -> None:
    staffed_queue.save(child(set_field("a", "1"), call_out(f"{outside.address}/begun"), wait(60)), "deepest")
    staffed_queue.save(child(call("deepest")), "middle")
    staffed_queue.save(stored(call("middle"), no_op()))
    [execution_id] = staffed_queue.add()
    ids = [execution_id, execution_id + 1, execution_id + 2]
    wait_until(lambda: outside.calls["/begun"], lambda: family(staffed_queue))
    lifecycle.stop(staffed_queue.connection, execution_id)
    assert {execution.status for execution in staffed_queue.wait_for(ids)} == {"canceled"}
    staffed_queue.wait_for_data(ids)
    ran = staffed_queue.ran(ids[2])
    assert ran["Edit"] == ["success"]
    assert "success" not in ran.get("Wait", []), "it was not aborted: it has ended by itself"


def test_a_stop_of_the_child_fails_the_parents_node(staffed_queue) -> None:
    staffed_queue.save(child(wait(60)), "child")
    staffed_queue.save(stored(call("child"), no_op()))
    [execution_id] = staffed_queue.add()
    staffed_queue.wait_for([execution_id, execution_id + 1], ["running"])
    lifecycle.stop(staffed_queue.connection, execution_id + 1)
    [parent] = staffed_queue.wait_for([execution_id])
    assert (parent.status, parent.error_node) == ("error", "Call")
    assert "canceled" in parent.error_message


def test_a_killed_worker_takes_parent_and_child_with_it(queue, start_worker) -> None:
    queue.save(child(wait(60)), "child")
    queue.save(stored(call("child")))
    [execution_id] = queue.add()
    doomed = start_worker(**LEASE)
    queue.wait_for([execution_id, execution_id + 1], ["running"])
    os.kill(doomed.pid, signal.SIGKILL)
    start_worker(**LEASE)
    crashed = queue.wait_for([execution_id, execution_id + 1])
    assert [execution.status for execution in crashed] == ["crashed", "crashed"]


def test_a_worker_told_to_go_hands_the_parent_over_and_its_child_runs_anew(queue, start_worker) -> None:
    queue.save(child(wait(7), set_field("a", "1")), "child")
    queue.save(stored(call("child"), no_op()))
    [execution_id] = queue.add()
    leaving = start_worker()
    queue.wait_for([execution_id, execution_id + 1], ["running"])
    assert leaving.stop() == 0
    [parent, cut_short] = queue.wait_for([execution_id, execution_id + 1], ["waiting", "canceled"])
    assert (parent.status, cut_short.status) == ("waiting", "canceled")
    start_worker()
    [parent] = queue.wait_for([execution_id])
    assert parent.status == "success", parent.error_message
    assert [row[2] for row in family(queue)] == ["success", "canceled", "success"]
