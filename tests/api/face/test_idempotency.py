"""Idempotency-Key: the same call again gets the first answer and does nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import KEY
from tests.patience import wait_until


@pytest.fixture
def workflow(api):
    return api.workflow(workflow_id="first")


def keyed(key: str = "key-1") -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": key}}


def count(api) -> int:
    return api.get("/executions").json["count"]


def test_run_is_done_once(api, workflow):
    first = api.post("/workflows/first/run", {"input": [{"a": 1, "b": 2}]}, **keyed())
    assert "Idempotent-Replayed" not in first.headers
    again = api.post("/workflows/first/run", {"input": [{"b": 2, "a": 1}]}, **keyed())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.data) == (200, first.data)
    assert count(api) == 1
    assert api.post("/workflows/first/run", {"input": [{"a": 1, "b": 2}]}, **keyed("key-2")).json["id"] != "1"


def test_another_body_or_path_is_422(api, workflow):
    api.workflow(workflow_id="second")
    api.post("/workflows/first/run", {"input": [{"a": 1}]}, **keyed())
    for path, body in [("first", {"input": [{"a": 2}]}), ("first", None), ("second", {"input": [{"a": 1}]})]:
        response = api.post(f"/workflows/{path}/run", body, **keyed())
        assert response.status_code == 422
        assert "Idempotency-Key" in response.json["message"]
    assert count(api) == 1


def test_an_empty_body_and_an_empty_object_are_the_same(api, workflow):
    first = api.post("/workflows/first/run", None, **keyed())
    assert api.post("/workflows/first/run", {}, **keyed()).data == first.data


def test_keys_belong_to_their_api_key(api, workflow):
    other = api.with_key("other", "*")
    first = api.post("/workflows/first/run", {}, **keyed())
    assert other.post("/workflows/first/run", {}, **keyed()).json["id"] != first.json["id"]


def test_every_call_that_starts_or_ends_something(api, workflow):
    failed = [api.ended(workflow, "error") for _ in range(3)]
    queued = [api.queue(workflow) for _ in range(3)]
    for number, (path, body) in enumerate(
        [
            (f"/executions/{failed[0]}/retry", {"loadWorkflow": True}),
            (f"/executions/{queued[0]}/stop", None),
            ("/executions/retryMany", {"filter": {"ids": [str(failed[1])]}}),
            ("/executions/stopMany", {"filter": {"status": ["queued"]}}),
            ("/executions/delete", {"ids": [str(failed[2])]}),
            ("/executions/stop", {"status": ["waiting"]}),
        ]
    ):
        first = api.post(path, body, **keyed(f"key-{number}"))
        again = api.post(path, body, **keyed(f"key-{number}"))
        assert first.status_code == again.status_code == 200, path
        assert again.data == first.data, path
        assert again.headers["Idempotent-Replayed"] == "true"


def test_what_is_sent_where_no_body_is_looked_at_needs_to_be_no_json(api, workflow):
    number = api.queue(workflow)
    first = api.post(f"/executions/{number}/stop", data=b"{", **keyed())
    assert (first.status_code, first.json["status"]) == (200, "canceled")
    assert api.post(f"/executions/{number}/stop", data=b"{", **keyed()).data == first.data
    assert api.post(f"/executions/{number}/stop", data=b"[", **keyed()).status_code == 422


def test_a_call_that_was_refused_may_be_sent_again(api, workflow):
    number = api.queue(workflow)
    api.claim()
    assert api.post(f"/executions/{number}/retry", None, **keyed()).status_code == 409
    api.finish(number, "error", error_message="It broke")
    assert api.post(f"/executions/{number}/retry", None, **keyed()).status_code == 200


def test_after_24_hours_the_key_is_free(api, workflow):
    first = api.post("/workflows/first/run", {}, **keyed()).json
    api.db.execute("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'")
    api.db.commit()
    assert api.post("/workflows/first/run", {"wait": 0}, **keyed()).json["id"] != first["id"]


def test_the_answer_after_a_wait_is_the_one_that_is_kept(api, workflow):
    def work() -> None:
        wait_until(lambda: api.db.execute("SELECT FROM executions").fetchone() is not None)
        api.finish(1)

    worker = threading.Thread(target=work)
    worker.start()
    first = api.post("/workflows/first/run", {"wait": 10}, **keyed())
    worker.join()
    assert first.json["status"] == "success"
    again = api.post("/workflows/first/run", {"wait": 10}, **keyed())
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\xe4", "\t"])
def test_a_malformed_key_is_refused(api, workflow, key):
    assert api.post("/workflows/first/run", {}, headers={"Idempotency-Key": key}).status_code == 400
    assert count(api) == 0


def test_a_key_of_the_greatest_length_works(api, workflow):
    assert api.post("/workflows/first/run", {}, **keyed("!" + "~" * 254)).status_code == 200


def test_many_at_once_start_one(api, workflow):
    app = api.client.application

    def send(_):
        headers = {"X-N8N-API-KEY": KEY, "Idempotency-Key": "same"}
        return app.test_client().post("/api/v1/workflows/first/run", headers=headers, json={}).json["id"]

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(send, range(16)))) == 1
    assert count(api) == 1
