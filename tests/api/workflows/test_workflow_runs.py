"""POST /workflows/{id}/run: what it queues, and how long it waits."""

import threading
import time
from contextlib import ExitStack
from copy import deepcopy
from datetime import timedelta

import orjson
import pytest

from app.repository.executions import read_inputs
from tests.api.conftest import NO_OP, TRIGGER, WORKFLOW
from tests.patience import PATIENCE_SECONDS, wait_until


@pytest.fixture
def ready(api):
    return api.post("/workflows", WORKFLOW).json["id"]


def inputs_of(api, response):
    assert response.status_code == 200, response.json
    number = int(response.json["id"])
    return read_inputs(api.db, [number]).get(number)


def test_run_queues_a_manual_execution(api, ready):
    response = api.post(f"/workflows/{ready}/run")
    assert response.status_code == 200
    assert (response.json["status"], response.json["mode"]) == ("new", "manual")
    assert response.json == api.get(f"/executions/{response.json['id']}").json
    assert inputs_of(api, response) is None


def test_input_becomes_items(api, ready):
    given = [
        {"email": "a@b.c"},
        {"json": {"x": 1}},
        {"json": {"x": 1}, "pairedItem": {"item": 0}},
        {"json": {"x": 1}, "other": 2},
        {"json": "text"},
        {},
    ]
    stored = orjson.loads(inputs_of(api, api.post(f"/workflows/{ready}/run", {"input": given})).items)
    assert stored == [{"json": given[0]}, given[1], given[2], *({"json": entry} for entry in given[3:])]


@pytest.mark.parametrize("name", ["run", "execute"])
@pytest.mark.parametrize(
    ("body", "items"),
    [
        ({"data": {"a": 1}}, [{"json": {"a": 1}}]),
        ({"data": [{"a": 1}, {"json": {"b": 2}}], "wait": 0}, [{"json": {"a": 1}}, {"json": {"b": 2}}]),
        ({"a": 1, "inputs": 2}, [{"json": {"a": 1, "inputs": 2}}]),
        ({"data": None}, None),
        ({}, None),
    ],
)
def test_data_is_taken_as_clients_of_n8n_send_it(api, ready, name, body, items):
    stored = inputs_of(api, api.post(f"/workflows/{ready}/{name}", body))
    assert (stored and orjson.loads(stored.items)) == items


def test_a_run_that_is_to_fail_for_what_a_node_lacks_is_on_record(api):
    lacking = {**NO_OP, "type": "n8n-nodes-base.stopAndError"}
    made = api.post("/workflows", {**deepcopy(WORKFLOW), "nodes": [TRIGGER, lacking]}).json
    response = api.post(f"/workflows/{made['id']}/run")
    assert (response.status_code, response.json["status"]) == (200, "new")


def test_the_start_node_is_kept_and_must_be_an_enabled_trigger(api):
    second = {**TRIGGER, "id": "3", "name": "Second"}
    third = {**TRIGGER, "id": "4", "name": "Third", "disabled": True}
    made = api.post("/workflows", {**deepcopy(WORKFLOW), "nodes": [TRIGGER, NO_OP, second, third]}).json
    path = f"/workflows/{made['id']}/run"
    assert inputs_of(api, api.post(path, {"startNode": "Second"})).start_node == "Second"
    for name, word in [("Nothing", "trigger"), ("Third", "disabled"), ("Fourth", "Fourth")]:
        response = api.post(path, {"startNode": name})
        assert response.status_code == 400
        assert word in response.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"wait": -1},
        {"wait": 61},
        {"wait": "soon"},
        {"input": {"a": 1}},
        {"input": [1]},
        {"input": []},
        {"startNode": ""},
        {"wait": 0, "other": 1},
        {"data": {"a": 1}, "inputs": []},
        {"data": {"a": 1}, "input": [{"a": 1}]},
        {"data": 5},
        {"data": [1]},
        {"input": [{"a": [[[]]] * 3}], "wait": None},
    ],
)
def test_run_refuses(api, ready, body):
    assert api.post(f"/workflows/{ready}/run", body).status_code == 400
    assert api.get("/executions").json["count"] == 0


def test_wait_answers_as_soon_as_it_has_ended(api, ready):
    def work() -> None:
        while not api.db.execute("SELECT 1 FROM executions").fetchone():
            api.db.rollback()
            time.sleep(0.01)
        api.finish(1)

    worker = threading.Thread(target=work)
    worker.start()
    response = api.post(f"/workflows/{ready}/run", {"wait": 60})
    worker.join()
    assert response.json["status"] == "success"
    [since] = api.db.execute("SELECT clock_timestamp() - stopped_at FROM executions").fetchone()
    assert since < timedelta(seconds=50), "it has waited on until its time was up"


def test_wait_answers_when_the_time_is_up(api, ready):
    began = time.monotonic()
    assert api.post(f"/workflows/{ready}/run", {"wait": 0.3}).json["status"] == "new"
    assert time.monotonic() - began >= 0.3


def test_while_it_waits_no_connection_is_held(api, ready):
    pool = api.client.application.extensions["executions"].pool
    request = threading.Thread(target=lambda: api.post(f"/workflows/{ready}/run", {"wait": 60}))
    request.start()
    wait_until(lambda: api.get("/executions").json["data"])
    with ExitStack() as all_of_them:
        for _ in range(pool.max_size):
            all_of_them.enter_context(pool.connection(timeout=PATIENCE_SECONDS))
        assert request.is_alive(), "it still waits, and there is a connection for everybody else"
    api.finish(1)
    request.join()


def test_an_execution_that_is_deleted_while_somebody_waits(api, ready):
    with api.deleting_new("manual"):
        response = api.post(f"/workflows/{ready}/run", {"wait": 20})
    assert (response.status_code, response.json["status"]) == (200, "new")
