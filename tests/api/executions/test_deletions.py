"""Deleting executions, and ids that none can have."""

import pytest

from app.repository import deletion_jobs

IMPOSSIBLE = ["exec_123", "0", "-1", "+1", "9" * 30, "٣", "1.0", "01", "%00", "%20", "9223372036854775808"]


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
    assert api.status(each["canceled"]) == "canceled"
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


def test_many_are_deleted_in_the_background(api, workflow):
    number = api.ended(workflow)
    columns = "workflow_id, workflow_version_id, project_id, status, mode, started_at, stopped_at"
    api.db.execute(
        f"INSERT INTO executions ({columns}) SELECT {columns} FROM executions, generate_series(1, 1000) WHERE id = %s",
        [number],
    )
    api.db.commit()
    answered = api.post("/executions/delete", {"filter": {"workflowId": workflow.id}}).json
    assert answered["success"] is True
    path = f"/executions/delete/{answered['job']}"
    assert api.get(path).json["deleted"] == 0
    while deletion_jobs.delete_some(api.db) is not None:
        api.db.commit()
    progress = api.get(path).json
    assert (progress["finished"], progress["deleted"]) == (True, 1001)
    assert api.get("/executions").json["count"] == 0
    assert api.get("/executions/delete/12345").status_code == 404
    assert api.get("/executions/delete/abc").json == {"message": "Deletion job not found"}
