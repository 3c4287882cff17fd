"""Stop, retry, delete, annotate: one execution and many."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.repository import lifecycle
from app.schemas.executions import STATUSES

IMPOSSIBLE = ["exec_123", "0", "-1", "+1", "9" * 30, "٣", "1.0", "01", "%00", "%20", "9223372036854775808"]


@pytest.fixture
def workflow(api):
    return api.workflow(workflow_id="first")


@pytest.fixture
def each(api, workflow):
    """An execution in each status."""
    made = {status: api.ended(workflow, status) for status in ("success", "error", "canceled")}
    made["crashed"] = api.queue(workflow)
    api.claim()
    api.db.execute(
        "UPDATE executions SET status = 'crashed', stopped_at = now(), error_message = 'lost' WHERE id = %s",
        [made["crashed"]],
    )
    api.db.commit()
    made["waiting"] = api.queue(workflow)
    api.finish(made["waiting"], "waiting")
    made["running"] = api.queue(workflow)
    api.claim()
    made["new"] = api.queue(workflow)
    assert made.keys() == set(STATUSES)
    return made


def status_of(api, number: int) -> str:
    return api.get(f"/executions/{number}").json["status"]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_id_that_cannot_exist_is_not_found(api, text):
    for method, rest, body in [
        ("GET", "", None),
        ("POST", "/stop", None),
        ("POST", "/retry", None),
        ("DELETE", "", None),
        ("PATCH", "", {}),
        ("GET", "/tags", None),
        ("PUT", "/tags", []),
    ]:
        response = api.call(method, f"/api/v1/executions/{text}{rest}", body)
        assert (response.status_code, response.json) == (404, {"message": "Execution not found"}), method + rest


def test_one_that_is_not_there_is_not_found(api):
    response = api.get("/executions/12345")
    assert (response.status_code, response.json) == (404, {"message": "Execution not found"})


@pytest.mark.parametrize("status", STATUSES)
def test_stop(api, each, status):
    response = api.post(f"/executions/{each[status]}/stop")
    if status in ("new", "running", "waiting"):
        assert response.status_code == 200
        assert response.json["status"] == "canceled"
        assert response.json["stoppedAt"] is not None
        assert response.json["finished"] is False
        assert status_of(api, each[status]) == "canceled"
    else:
        assert response.status_code == 409
        assert status in response.json["message"]
        assert status_of(api, each[status]) == status


def test_what_ran_before_a_stop_stays_readable(api, each):
    body = api.post(f"/executions/{each['waiting']}/stop").json
    assert api.get(f"/executions/{body['id']}?includeData=true").json["data"] == {"resultData": {"runData": {}}}


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    ("statuses", "stopped"),
    [
        (["running"], {"running"}),
        (["queued"], {"new"}),
        (["running", "waiting", "queued"], {"running", "waiting", "new"}),
    ],
)
def test_stop_many(api, each, wrapped, statuses, stopped):
    wanted = {"status": statuses}
    path, body = ("/executions/stopMany", {"filter": wanted}) if wrapped else ("/executions/stop", wanted)
    response = api.post(path, body)
    assert (response.status_code, response.json) == (200, {"stopped": len(stopped)})
    now = {name: status_of(api, number) for name, number in each.items()}
    assert now == {name: "canceled" if name in stopped else name for name in each}


def test_stop_many_by_workflow_and_time(api, each):
    other = api.queue(api.workflow(workflow_id="second"))
    every = ["running", "waiting", "queued"]
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    def stop(**wanted):
        return api.post("/executions/stopMany", {"filter": {"status": every, **wanted}}).json["stopped"]

    assert stop(workflowId="nothing") == 0
    assert stop(startedAfter=soon) == 0
    assert stop(workflowId="first", startedBefore=soon) == 2
    assert stop(workflowId="second") == 1
    assert status_of(api, other) == "canceled"
    assert stop(workflowId="all") == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {}},
        {"filter": {"status": []}},
        {"filter": {"status": ["success"]}},
        {"filter": {"status": "running"}},
        {"filter": {"status": ["running"], "other": 1}},
        {"filter": {"status": ["running"], "startedAfter": "soon"}},
        {"filter": {"status": ["running"], "workflowId": ""}},
        {"filter": ["running"]},
        {"filter": {"status": ["running"]}, "status": ["running"]},
    ],
)
def test_stop_many_needs_a_filter_that_says_something(api, each, body):
    response = api.post("/executions/stopMany", body)
    assert response.status_code == 400
    assert "filter" in response.json["errors"] or "status" in response.json["errors"]
    assert status_of(api, each["running"]) == "running"


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


def test_a_retry_usually_says_running(api, workflow):
    number = api.ended(workflow, "error")

    def work() -> None:
        deadline = time.monotonic() + 20
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


def test_without_a_worker_a_retry_answers_after_a_quarter_of_a_second(api, workflow):
    number = api.ended(workflow, "error")
    began = time.monotonic()
    assert api.post(f"/executions/{number}/retry").json["status"] == "new"
    assert 0.25 <= time.monotonic() - began < 1.5


def test_a_retry_that_is_deleted_at_once_is_still_answered(api, workflow):
    number = api.ended(workflow, "error")

    def remove() -> None:
        while not api.db.execute("DELETE FROM executions WHERE mode = 'retry' RETURNING id").fetchone():
            api.db.rollback()
            time.sleep(0.01)
        api.db.commit()

    other = threading.Thread(target=remove)
    other.start()
    response = api.post(f"/executions/{number}/retry")
    other.join()
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
    response = api.put(f"/workflows/{workflow.id}", {**api_document(api, workflow), "name": "Newer"})
    current = response.json["versionId"]
    old = api.post(f"/executions/{number}/retry").json
    assert old["workflowVersionId"] == str(workflow.version_id)
    api.post(f"/executions/{old['id']}/stop")
    assert api.post(f"/executions/{number}/retry", {"loadWorkflow": True}).json["workflowVersionId"] == current
    assert current != str(workflow.version_id)


def api_document(api, workflow):
    return api.get(f"/workflows/{workflow.id}").json


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


def test_delete_by_ids(api, each):
    ids = [str(each["error"]), str(each["new"]), str(each["waiting"]), "999999", "exec_123", "0"]
    response = api.post("/executions/delete", {"ids": ids})
    assert (response.status_code, response.json) == (200, {"success": True})
    left = {int(e["id"]) for e in api.get("/executions").json["data"]}
    assert left == set(each.values()) - {each["error"], each["new"], each["waiting"]}
    assert api.post("/executions/delete", {"ids": ["exec_123"]}).json == {"success": True}
    assert api.get("/executions").json["count"] == len(left)


def test_delete_is_all_or_nothing(api, each):
    response = api.post("/executions/delete", {"ids": [str(number) for number in each.values()]})
    assert (response.status_code, response.json) == (400, {"message": "Cannot delete a running execution"})
    assert api.get("/executions").json["count"] == len(each)


def test_delete_by_filter(api, each):
    assert api.post("/executions/delete", {"filter": {"status": ["success", "error"]}}).json == {"success": True}
    assert status_of(api, each["canceled"]) == "canceled"
    assert api.get("/executions").json["count"] == len(each) - 2
    assert api.post("/executions/delete", {"filter": {"workflowId": "all"}}).status_code == 400
    api.post(f"/executions/{each['running']}/stop")
    assert api.post("/executions/delete", {"filter": {"workflowId": "all"}}).json == {"success": True}
    assert api.get("/executions").json["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["1"] * 1001},
        {"ids": "1"},
        {"ids": [1]},
        {"ids": [None]},
        {"ids": ["1"], "filter": {"workflowId": "all"}},
        {"filter": {}},
        {"filter": {"status": ["foo"]}},
        {"filter": {"other": 1}},
    ],
)
def test_delete_refuses(api, each, body):
    assert api.post("/executions/delete", body).status_code == 400
    assert api.get("/executions").json["count"] == len(each)


def test_delete_one(api, each):
    response = api.delete(f"/executions/{each['error']}")
    assert response.status_code == 200
    assert (response.json["id"], response.json["status"]) == (str(each["error"]), "error")
    assert api.get(f"/executions/{each['error']}").status_code == 404
    assert api.delete(f"/executions/{each['error']}").status_code == 404
    response = api.delete(f"/executions/{each['running']}")
    assert (response.status_code, response.json) == (400, {"message": "Cannot delete a running execution"})


def test_the_documented_annotation_works_as_it_stands(api, each):
    body = {"annotation": {"tags": ["tag_production", "tag_urgent"], "vote": "up"}}
    response = api.patch(f"/executions/{each['success']}", body)
    assert response.status_code == 200
    assert response.json["annotation"] == {
        "vote": "up",
        "tags": [
            {"id": "tag_production", "name": "tag_production"},
            {"id": "tag_urgent", "name": "tag_urgent"},
        ],
    }
    assert response.json == api.get(f"/executions/{each['success']}").json


def test_what_is_not_named_stays(api, each):
    path = f"/executions/{each['success']}"
    api.patch(path, {"annotation": {"tags": ["a"], "vote": "up"}})
    assert api.patch(path, {"annotation": {"vote": "down"}}).json["annotation"]["tags"] == [{"id": "a", "name": "a"}]
    assert api.patch(path, {"annotation": {"tags": []}}).json["annotation"] == {"vote": "down", "tags": []}
    assert api.patch(path, {"annotation": {"vote": None}}).json["annotation"] == {"vote": None, "tags": []}
    assert api.patch(path, {"annotation": {}}).status_code == 200
    assert api.patch(path, {}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"status": "success"},
        {"annotation": {"vote": "sideways"}},
        {"annotation": {"vote": True}},
        {"annotation": {"tags": "a"}},
        {"annotation": {"tags": [""]}},
        {"annotation": {"tags": ["a/b"]}},
        {"annotation": {"tags": ["x" * 65]}},
        {"annotation": {"tags": ["a\u0000"]}},
        {"annotation": {"tags": None}},
        {"annotation": None},
        {"annotation": {"other": 1}},
    ],
)
def test_nothing_but_annotations_can_be_changed(api, each, body):
    assert api.patch(f"/executions/{each['success']}", body).status_code == 400


def test_an_unknown_tag_id_that_is_anothers_name_is_a_conflict(api, each):
    tag = api.post("/tags", {"name": "production"}).json
    path = f"/executions/{each['success']}"
    assert api.patch(path, {"annotation": {"tags": ["production"]}}).status_code == 409
    assert api.patch(path, {"annotation": {"tags": [tag["id"]]}}).json["annotation"]["tags"] == [
        {"id": tag["id"], "name": "production"}
    ]


def test_n8ns_tags_of_an_execution(api, each):
    path = f"/executions/{each['success']}/tags"
    tag = api.post("/tags", {"name": "production"}).json
    assert api.get(path).json == []
    response = api.put(path, [{"id": tag["id"]}, {"id": tag["id"]}])
    assert (response.status_code, response.json) == (200, [tag])
    assert api.get(path).json == [tag]
    response = api.put(path, [{"id": "unknown"}])
    assert (response.status_code, response.json) == (404, {"message": "Some tags not found"})
    assert api.put(path, []).json == []
    for body in ({}, {"id": "x"}, [{}], ["x"], [{"id": "x", "name": "y"}]):
        assert api.put(path, body).status_code == 400


def test_an_annotation_does_not_wait_for_nor_disturb_the_worker(api, each):
    assert api.patch(f"/executions/{each['running']}", {"annotation": {"vote": "up"}}).json["status"] == "running"
    assert status_of(api, each["running"]) == "running"
    lifecycle.stop(api.db, each["running"])
    api.db.commit()
