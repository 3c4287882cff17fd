"""Retrying executions: one, and all that match."""

import threading
import time

import pytest

from app.api.executions import bulk
from app.repository import retry_jobs
from app.repository.restarts import Checked
from app.vocabulary import STATUSES
from tests.patience import PATIENCE_SECONDS


@pytest.mark.parametrize("status", STATUSES)
def test_retry(api, each, status):
    response = api.post(f"/executions/{each[status]}/retry")
    if status in ("error", "canceled", "crashed"):
        assert response.status_code == 200
        assert response.json["mode"] == "retry"
        assert response.json["retryOf"] == str(each[status])
        assert int(response.json["id"]) > max(each.values())
    else:
        assert response.status_code == 409
        expected = (
            "Cannot retry a successful execution"
            if status == "success"
            else "Cannot retry a running or waiting execution"
        )
        assert response.json == {"message": expected}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", None, 200),
        (b"", "application/json", 200),
        (b"{}", "application/json", 200),
        (b'{"loadWorkflow": false}', "application/json", 200),
        (b'{"loadWorkflow": true}', "application/json; charset=utf-8", 200),
        (b'{"loadWorkflow": "true"}', "application/json", 400),
        (b'{"loadWorkflow": null}', "application/json", 400),
        (b'{"other": true}', "application/json", 400),
        (b"[]", "application/json", 400),
    ],
)
def test_the_body_of_a_retry_may_be_left_out(api, workflow, body, content_type, status):
    number = api.ended(workflow, "error")
    response = api.call("POST", f"/api/v1/executions/{number}/retry", data=body, content_type=content_type)
    assert response.status_code == status


def test_a_retry_usually_says_running(api, workflow, monkeypatch):
    monkeypatch.undo()
    number = api.ended(workflow, "error")

    def work() -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            api.claim()
            if api.db.execute("SELECT 1 FROM executions WHERE status = 'running'").fetchone():
                return
            time.sleep(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    response = api.post(f"/executions/{number}/retry")
    worker.join()
    assert response.json["status"] == "running"
    assert response.json["startedAt"] is not None


def test_without_a_worker_a_retry_answers_after_a_quarter_of_a_second(api, workflow, monkeypatch):
    monkeypatch.undo()
    number = api.ended(workflow, "error")
    began = time.monotonic()
    assert api.post(f"/executions/{number}/retry").json["status"] == "new"
    assert time.monotonic() - began >= 0.25


def test_a_retry_that_is_deleted_at_once_is_still_answered(api, workflow, monkeypatch):
    monkeypatch.undo()
    number = api.ended(workflow, "error")
    with api.deleting_new("retry"):
        response = api.post(f"/executions/{number}/retry")
    assert (response.status_code, response.json["status"]) == (200, "new")


def test_a_second_retry_in_flight_is_refused_by_name(api, workflow):
    number = api.ended(workflow, "error")
    first = api.post(f"/executions/{number}/retry").json["id"]
    second = api.post(f"/executions/{number}/retry")
    assert second.status_code == 409
    assert first in second.json["message"]


def test_a_successful_retry_is_linked_along_the_chain(api, workflow):
    original = api.ended(workflow, "error")
    first = int(api.post(f"/executions/{original}/retry").json["id"])
    api.finish(first, "error", error_message="Again")
    second = int(api.post(f"/executions/{first}/retry").json["id"])
    api.finish(second)
    for number in (original, first):
        assert api.get(f"/executions/{number}").json["retrySuccessId"] == str(second)


def test_load_workflow_takes_the_current_version(api, workflow):
    number = api.ended(workflow, "error")
    response = api.put(f"/workflows/{workflow.id}", {**api.get(f"/workflows/{workflow.id}").json, "name": "Newer"})
    current = response.json["versionId"]
    old = api.post(f"/executions/{number}/retry").json
    assert old["workflowVersionId"] == str(workflow.version_id)
    api.post(f"/executions/{old['id']}/stop")
    assert api.post(f"/executions/{number}/retry", {"loadWorkflow": True}).json["workflowVersionId"] == current
    assert current != str(workflow.version_id)


def test_load_workflow_without_a_workflow_is_a_conflict(api, workflow):
    number = api.ended(workflow, "error")
    assert api.delete(f"/workflows/{workflow.id}").status_code == 200
    response = api.post(f"/executions/{number}/retry", {"loadWorkflow": True})
    assert response.status_code == 409
    assert "no longer exists" in response.json["message"]
    assert api.post(f"/executions/{number}/retry").status_code == 200


def test_retry_many_by_filter(api, each, workflow):
    other = api.ended(api.workflow(workflow_id="second"), "error")
    response = api.post("/executions/retryMany", {"filter": {"status": ["error", "crashed"], "workflowId": "first"}})
    assert response.json["retried"] == 2
    results = {entry["id"]: entry["retryId"] for entry in response.json["results"]}
    assert results.keys() == {str(each["error"]), str(each["crashed"])}
    for original, retry in results.items():
        assert api.get(f"/executions/{retry}").json["retryOf"] == original
    touched = api.get(f"/executions?touchedBy={response.json['touchedBy']}").json["data"]
    assert {entry["id"] for entry in touched} == set(results.values())
    assert api.post("/executions/retryMany", {"filter": {}}).json["retried"] == 2
    assert api.get(f"/executions?retryOf={other}").json["count"] == 1


def test_retry_many_by_ids_answers_for_each(api, each):
    ids = [str(each["error"]), str(each["success"]), str(each["running"]), "999", "exec_1", str(each["error"])]
    response = api.post("/executions/retryMany", {"filter": {"ids": ids}, "loadWorkflow": True})
    assert response.json["retried"] == 1
    assert [entry["id"] for entry in response.json["results"]] == ids[:5]
    assert [entry.get("message") for entry in response.json["results"]] == [
        None,
        "Cannot retry a successful execution",
        "Cannot retry a running or waiting execution",
        "Execution not found",
        "Execution not found",
    ]


def test_of_an_execution_and_its_retries_the_newest_named_is_retried_alone(api, workflow):
    """Whoever selects a chain of attempts in a list asks for one thing to be done, not for as many as were tried."""
    original, alone = api.ended(workflow, "error"), api.ended(workflow, "error")
    again = int(api.post(f"/executions/{original}/retry").json["id"])
    api.finish(again, "error", error_message="Again")
    last = int(api.post(f"/executions/{again}/retry").json["id"])
    body = {"filter": {"ids": [str(number) for number in (original, again, last, alone)]}}

    def told(**more):
        return [each.get("message") for each in api.post("/executions/retryMany", {**body, **more}).json["results"]]

    newer = "Its newer attempt stands for it: execution {}".format
    assert told(dryRun=True) == [newer(again), None, "Cannot retry a running or waiting execution", None]
    api.finish(last)
    assert told(dryRun=True) == [newer(again), None, "Cannot retry a successful execution", None]
    for dry_run in (True, False):
        assert told(dryRun=dry_run, **{"from": "start"}) == [newer(last), newer(last), None, None]
    assert api.get("/executions?status=new").json["count"] == 2


def test_a_dry_run_retries_nothing(api, each):
    before = api.get("/executions").json["count"]
    body = {"filter": {"ids": [str(each["error"]), str(each["success"]), "999"]}, "dryRun": True}
    assert api.post("/executions/retryMany", body).json == {
        "retried": 0,
        "results": [
            {"id": str(each["error"])},
            {"id": str(each["success"]), "message": "Cannot retry a successful execution"},
            {"id": "999", "message": "Execution not found"},
        ],
    }
    response = api.post("/executions/retryMany", {"filter": {}, "dryRun": True}).json
    assert {entry["id"] for entry in response["results"]} == {
        str(each[status]) for status in ("error", "canceled", "crashed")
    }
    assert api.get("/executions").json["count"] == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {"status": ["success"]}},
        {"filter": {"ids": []}},
        {"filter": {"ids": ["1"] * 1001}},
        {"filter": {"ids": ["1"], "status": ["error"]}},
        {"filter": {"ids": [1]}},
        {"filter": {}, "dryRun": "yes"},
    ],
)
def test_retry_many_refuses(api, body):
    assert api.post("/executions/retryMany", body).status_code == 400


def test_more_than_a_call_should_wait_for_are_retried_in_the_background(api, workflow, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_AT_ONCE", 2)
    failed = [api.ended(workflow, "error") for _ in range(3)]
    body = {"filter": {"error": "broke"}, "from": "start"}
    dry = api.post("/executions/retryMany", {**body, "dryRun": True}).json
    assert (dry["matched"], len(dry["results"]), "job" in dry) == (3, 2, False)
    answer = api.post("/executions/retryMany", body).json
    known = {name: answer[name] for name in ("job", "touchedBy")}
    assert answer == {"retried": 0, "results": [], "matched": 3, **known}
    path = f"/executions/retryMany/{answer['job']}"
    job = api.get(path).json
    assert (job["finished"], job["matched"], job["retried"], job["results"]) == (False, 3, 0, [])
    while retry_jobs.retry_some(api.db, lambda *place: Checked({}), size=2) is not None:
        api.db.commit()
    api.db.commit()
    job = api.get(f"{path}?limit=2").json
    assert (job["finished"], job["retried"], job["refused"]) == (True, 3, 0)
    assert [one["id"] for one in job["results"]] == [str(number) for number in failed[:0:-1]]
    assert job["touchedBy"] == answer["touchedBy"]
    touched = api.get(f"/executions?touchedBy={job['touchedBy']}").json["data"]
    assert {one["retryOf"] for one in touched} == {str(number) for number in failed}
    rest = api.get(f"{path}?cursor={job['nextCursor']}").json
    assert ([one["id"] for one in rest["results"]], rest["nextCursor"]) == ([str(failed[0])], None)
    assert api.get("/executions/retryMany/999").status_code == 404
    assert api.get(f"{path}?cursor=x").status_code == 400
    assert api.post("/executions/retryMany", {"filter": {}, "items": [{}]}).status_code == 400
    assert api.delete(path).json == api.get(path).json
    assert api.delete("/executions/retryMany/x").status_code == 404
