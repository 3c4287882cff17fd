"""Whole workflows as people have them, over real HTTP: started by a clock, saved and let go again, run in a loop."""

import time

import orjson
import pytest

from tests.engine.nodes import far_side
from tests.patience import wait_until
from tests.triggers.test_firing import EVERY_SECOND, scheduled
from tests.workflows import code, no_op, node, stored

pytestmark = pytest.mark.slow


def create(server, name: str, definition: bytes) -> str:
    answer = server.post("/api/v1/workflows", {"name": name, **orjson.loads(definition)})
    assert answer.status == 200, answer.body
    return answer.body["id"]


def executions(server, workflow_id: str, **wanted: str) -> list[dict]:
    query = "".join(f"&{key}={value}" for key, value in wanted.items())
    answer = server.get(f"/api/v1/executions?workflowId={workflow_id}&includeData=true{query}")
    assert answer.status == 200, answer.body
    return answer.body["data"]


def ended(server, workflow_id: str, number: int = 1) -> list[dict]:
    """Successful executions of a workflow, the newest first, once there are so many."""

    def found() -> list[dict]:
        return executions(server, workflow_id, status="success")

    wait_until(lambda: len(found()) >= number, lambda: executions(server, workflow_id), pause=0.1)
    return found()


def test_a_schedule_calls_a_server_for_as_long_as_it_is_active(start_server, start_worker) -> None:
    server = start_server()
    start_worker(EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    with far_side.running() as address:
        ask = node("Ask", "httpRequest", {"url": f"{address}/object", "options": {}}, 4.2)
        workflow_id = create(server, "Poll", scheduled(EVERY_SECOND, nodes=(ask, no_op())))
        time.sleep(1.2)
        assert executions(server, workflow_id) == [], "it is not active yet"
        assert server.post(f"/api/v1/workflows/{workflow_id}/activate").status == 200
        newest = ended(server, workflow_id, 2)[0]
        assert newest["mode"] == "trigger"
        [run] = newest["data"]["resultData"]["runData"]["Ask"]
        assert run["data"]["main"][0][0]["json"], "what the server said"

        document = orjson.loads(scheduled(EVERY_SECOND, nodes=(no_op("Changed"),)))
        saved = server.call("PUT", f"/api/v1/workflows/{workflow_id}", {"name": "Poll", **document})
        assert saved.status == 200, saved.body
        wait_until(
            lambda: "Changed" in ended(server, workflow_id)[0]["data"]["resultData"]["runData"],
            "the version that was saved does not run",
            pause=0.1,
        )

        assert server.post(f"/api/v1/workflows/{workflow_id}/deactivate").status == 200
        before = len(executions(server, workflow_id))
        time.sleep(1.5)
        assert len(executions(server, workflow_id)) == before


def test_a_save_can_change_when_an_active_workflow_starts(start_server, start_worker) -> None:
    server = start_server()
    workflow_id = create(server, "Rarely", scheduled({"field": "months"}))
    assert server.post(f"/api/v1/workflows/{workflow_id}/activate").status == 200
    start_worker()
    time.sleep(1.2)
    assert executions(server, workflow_id) == []
    document = orjson.loads(scheduled(EVERY_SECOND))
    assert server.call("PUT", f"/api/v1/workflows/{workflow_id}", {"name": "Often", **document}).status == 200
    ended(server, workflow_id)
    assert server.post(f"/api/v1/workflows/{workflow_id}/deactivate").status == 200
    assert server.call("DELETE", f"/api/v1/workflows/{workflow_id}").status == 200
    before = len(executions(server, workflow_id))
    time.sleep(1.5)
    assert len(executions(server, workflow_id)) == before


def test_a_schedule_that_can_never_be_due_is_refused_with_its_node(start_server) -> None:
    server = start_server()
    workflow_id = create(server, "Never", scheduled({"field": "cronExpression", "expression": "0 0 31 2 *"}))
    answer = server.post(f"/api/v1/workflows/{workflow_id}/activate")
    assert answer.status == 400
    assert "Start" in answer.body["message"]
    assert server.get(f"/api/v1/workflows/{workflow_id}").body["active"] is False


def test_a_loop_waits_in_each_round(start_server, start_worker) -> None:
    server = start_server()
    start_worker()
    document = orjson.loads(
        stored(
            code("return [1, 2, 3].map((n) => ({json: {n}}))", "Three"),
            node("Loop", "splitInBatches", {"batchSize": 1, "options": {}}, 3),
            node("Pause", "wait", {"resume": "timeInterval", "amount": 0.4, "unit": "seconds"}, 1.1),
            code("return [{json: {n: $json.n * 10}}]", "Times ten"),
            no_op(),
        )
    )

    def line(node: str) -> list[dict]:
        return [{"node": node, "type": "main", "index": 0}]

    document["connections"] |= {
        "Loop": {"main": [line("Done"), line("Pause")]},
        "Times ten": {"main": [line("Loop")]},
    }
    workflow_id = create(server, "Loop", orjson.dumps(document))
    started = time.monotonic()
    answer = server.post(f"/api/v1/workflows/{workflow_id}/run", {"wait": 60})
    assert (answer.status, answer.body["status"]) == (200, "success"), answer.body
    assert time.monotonic() - started >= 1.2
    [execution] = ended(server, workflow_id)
    runs = execution["data"]["resultData"]["runData"]
    assert len(runs["Pause"]) == 3
    [last] = runs["Done"]
    assert [item["json"]["n"] for item in last["data"]["main"][0]] == [10, 20, 30]
