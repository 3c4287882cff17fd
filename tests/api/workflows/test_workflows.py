"""Workflows: n8n's shapes in and out, versions, lists, tags."""

import json
from copy import deepcopy

import pytest

from app.repository import workflows
from app.schemas.workflows import definition_of
from tests.api.conftest import NO_OP, TRIGGER, WORKFLOW
from tests.workflows import node

EXPORTED = {
    **WORKFLOW,
    "id": "MXoWndJluwYcxmlO",
    "active": True,
    "activeVersionId": None,
    "createdAt": "2024-01-01T00:00:00.000Z",
    "updatedAt": "2024-01-01T00:00:00.000Z",
    "isArchived": True,
    "versionId": "c7fb6a0f-791c-470e-9228-92199c5c07d8",
    "triggerCount": 7,
    "nodeGroups": [],
    "staticData": {"node:Start": {"last": 1}},
    "pinData": {"Start": [{"json": {"a": 1}}]},
    "meta": {"templateId": "12", "kept": [1, 2.5, None, "ä"]},
    "tags": [{"id": "1", "name": "x"}],
    "shared": [{"role": "workflow:owner"}],
}
KEYS = {
    "id",
    "name",
    "description",
    "active",
    "activeVersionId",
    "projectId",
    "createdAt",
    "updatedAt",
    "isArchived",
    "activeVersion",
    "versionId",
    "versionCounter",
    "sourceWorkflowId",
    "parentFolder",
    "nodeGroups",
    "triggerCount",
    "nodes",
    "connections",
    "settings",
    "staticData",
    "pinData",
    "meta",
    "tags",
    "shared",
}


def changed(**changes):
    return {**deepcopy(WORKFLOW), **changes}


def test_a_workflow_as_n8n_exports_it_is_kept_whole(api):
    response = api.post("/workflows", EXPORTED)
    assert response.status_code == 200
    body = response.json
    assert body.keys() == KEYS
    for key in ("nodes", "connections", "settings", "staticData", "pinData", "meta", "nodeGroups", "name"):
        assert body[key] == EXPORTED[key], key
    assert body["id"] != EXPORTED["id"]
    assert len(body["id"]) == 16
    assert body["id"].isalnum()
    assert (body["active"], body["isArchived"], body["triggerCount"], body["tags"]) == (False, False, 0, [])
    assert body["versionId"] != EXPORTED["versionId"]
    assert body["createdAt"] > EXPORTED["createdAt"]
    assert body["shared"][0]["projectId"] == body["projectId"] == "default"
    assert api.get(f"/workflows/{body['id']}").json == body
    assert api.get("/workflows").json == {"data": [body], "nextCursor": None}


def test_what_is_missing_is_shown_empty(api):
    body = api.post("/workflows", {key: WORKFLOW[key] for key in ("name", "nodes", "connections")}).json
    assert body.keys() == KEYS
    assert (body["settings"], body["staticData"], body["pinData"], body["meta"]) == ({}, None, None, None)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (changed(nodes=[TRIGGER, NO_OP, NO_OP]), "Nothing"),
        (changed(connections={"Start": {"main": [[{"node": "Gone", "type": "main", "index": 0}]]}}), "Gone"),
        (changed(connections={"Gone": {"main": [[{"node": "Start", "type": "main", "index": 0}]]}}), "Gone"),
        (changed(connections={"Start": "x"}), "Start"),
        (changed(connections={"Start": {"main": [7]}}), "Start"),
        (changed(connections={"Start": {"main": [[{"node": "Nothing", "type": "main", "index": -1}]]}}), "Start"),
        (changed(nodes=[{**TRIGGER, "name": 7}]), "name"),
        (changed(nodes=["x"]), "nodes"),
        (changed(nodes={}), "nodes"),
        (changed(connections=[]), "connections"),
        (changed(settings=[]), "settings"),
        (changed(pinData=[]), "pinData"),
        (changed(name=""), "name"),
        (changed(name=None), "name"),
        ({"name": "x"}, "nodes"),
    ],
)
def test_what_n8n_does_not_keep_either_is_refused_by_name(api, document, names):
    response = api.post("/workflows", document)
    assert response.status_code == 400
    assert names in response.json["message"]
    assert api.get("/workflows").json["data"] == []


def test_documents_nested_beyond_reason_are_refused(api):
    deep: object = 1
    for _ in range(400):
        deep = [deep]
    for document in (changed(meta=deep), changed(nodes=[{**TRIGGER, "parameters": {"a": deep}}], connections={})):
        text = json.dumps(document)
        response = api.call("POST", "/api/v1/workflows", data=text, content_type="application/json")
        assert response.status_code == 400
    shallow: object = 1
    for _ in range(150):
        shallow = [shallow]
    made = api.post("/workflows", changed(meta=shallow))
    assert made.json["meta"] == shallow
    assert api.get("/workflows").json["data"][0]["meta"] == shallow


def test_a_save_that_changes_something_is_a_version(api):
    first = api.post("/workflows", WORKFLOW).json
    path = f"/workflows/{first['id']}"
    same = api.put(path, first).json
    assert same["versionId"] == first["versionId"]
    second = api.put(path, {**first, "settings": {"timezone": "Europe/Berlin"}}).json
    assert second["versionId"] != first["versionId"]
    assert second["settings"] == {**first["settings"], "timezone": "Europe/Berlin"}
    renamed = api.put(path, {**second, "name": "Renamed"}).json
    assert renamed["name"] == "Renamed"
    assert renamed["versionId"] not in (first["versionId"], second["versionId"])
    assert (renamed["id"], renamed["createdAt"]) == (first["id"], first["createdAt"])
    assert api.put(path, changed(nodes=[NO_OP, NO_OP], connections={})).status_code == 400
    assert api.get(path).json == renamed


def test_a_save_leaves_what_it_does_not_name(api):
    first = api.post("/workflows", EXPORTED).json
    path = f"/workflows/{first['id']}"
    kept = ("staticData", "pinData", "nodeGroups", "meta", "description", "settings")
    bare = {key: first[key] for key in ("name", "nodes", "connections")}
    for settings in ({}, None):
        saved = api.put(path, {**bare, "settings": settings}).json
        assert [saved[key] for key in kept] == [first[key] for key in kept]
    assert saved["versionId"] == first["versionId"]
    zone = {"timezone": "Europe/Berlin", "executionTimeout": 60}
    assert api.put(path, {**bare, "settings": zone}).json["settings"] == {**first["settings"], **zone}
    ended = {"timezone": "DEFAULT", "executionTimeout": -1, "callerPolicy": None}
    assert api.put(path, {**bare, "settings": ended}).json["settings"] == first["settings"]
    assert api.put(path, {**bare, "pinData": None}).json["pinData"] is None


def test_what_is_kept_is_what_another_save_has_left(api, monkeypatch):
    first = api.post("/workflows", EXPORTED).json
    path, lock = f"/workflows/{first['id']}", workflows.lock_definition
    bare = {key: first[key] for key in ("name", "nodes", "connections")}

    def save_meanwhile(*given):
        monkeypatch.setattr(workflows, "lock_definition", lock)
        with api.db.transaction():
            definition = definition_of({**EXPORTED, "settings": {"timezone": "Europe/Berlin"}})
            workflows.save_workflow(api.db, first["id"], name="Meanwhile", definition=definition)
        return lock(*given)

    monkeypatch.setattr(workflows, "lock_definition", save_meanwhile)
    assert api.put(path, {**bare, "settings": {"callerPolicy": "any"}}).json["settings"] == {
        "timezone": "Europe/Berlin",
        "callerPolicy": "any",
    }


@pytest.mark.parametrize("settings", [[1], "x", True])
def test_settings_that_are_none_are_left_behind(api, settings):
    path = f"/workflows/{api.post('/workflows', EXPORTED).json['id']}"
    damaged = definition_of({**EXPORTED, "settings": settings})
    with api.db.transaction():
        workflows.save_workflow(api.db, path.split("/")[-1], name="Damaged", definition=damaged)
    api.db.commit()
    assert api.put(path, EXPORTED).json["settings"] == EXPORTED["settings"]


@pytest.mark.parametrize("static", [5, [], "no JSON", ""])
def test_static_data_that_is_no_object_is_refused(api, static):
    refused = api.post("/workflows", changed(staticData=static))
    assert (refused.status_code, refused.json["message"].split(":")[0]) == (400, "staticData")


def test_static_data_may_come_as_text(api):
    made = api.post("/workflows", changed(staticData='{"node:Start": {"last": 1}}')).json
    assert made["staticData"] == {"node:Start": {"last": 1}}
    saved = api.put(f"/workflows/{made['id']}", changed(staticData='{"global": {"n": 2}}')).json
    assert saved["staticData"] == {"global": {"n": 2}}
    assert api.put(f"/workflows/{made['id']}", changed(staticData="null")).json["staticData"] is None


def test_a_deleted_workflow_leaves_its_executions(api):
    made = api.post("/workflows", WORKFLOW).json
    run = api.post(f"/workflows/{made['id']}/run").json
    response = api.delete(f"/workflows/{made['id']}")
    assert (response.status_code, response.json) == (200, made)
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/run"), ("POST", "/activate")]:
        response = api.call(method, f"/api/v1/workflows/{made['id']}{path}")
        assert (response.status_code, response.json) == (404, {"message": "Workflow not found"})
    body = api.get(f"/executions/{run['id']}?includeData=true").json
    assert body["workflowName"] == WORKFLOW["name"]
    assert body["workflowData"]["nodes"] == WORKFLOW["nodes"]


@pytest.mark.parametrize("workflow_id", ["nothing", "a.b", "x" * 65, "%00", "ä", "%20"])
def test_unknown_and_impossible_ids_are_not_found(api, workflow_id):
    for method, path, body in [("GET", "", None), ("PUT", "", WORKFLOW), ("POST", "/run", None), ("PUT", "/tags", [])]:
        response = api.call(method, f"/api/v1/workflows/{workflow_id}{path}", body)
        assert (response.status_code, response.json) == (404, {"message": "Workflow not found"})


def test_nodes_without_ids_are_given_them_once(api):
    bare = {key: value for key, value in node("Hook", "webhook", {"path": "p"}).items() if key != "id"}
    document = changed(nodes=[bare, node("Wait", "wait"), {**NO_OP, "id": ""}], connections={})
    made = api.post("/workflows", document).json
    hook, wait, nothing = made["nodes"]
    assert hook == {**bare, "id": hook["id"], "webhookId": hook["webhookId"]}
    assert (wait["id"], nothing.keys()) == ("wait", NO_OP.keys())
    assert len({hook["id"], hook["webhookId"], wait["webhookId"], nothing["id"]}) == 4
    assert all(len(each) == 36 for each in (hook["id"], hook["webhookId"], wait["webhookId"], nothing["id"]))
    assert api.put(f"/workflows/{made['id']}", document).json == made


def test_lists_page_and_filter(api):
    made = sorted(
        (api.post("/workflows", changed(name=f"workflow {number % 2}")).json for number in range(5)),
        key=lambda workflow: workflow["id"],
    )
    first = api.get("/workflows?limit=2").json
    second = api.get(f"/workflows?limit=2&cursor={first['nextCursor']}").json
    third = api.get(f"/workflows?cursor={second['nextCursor']}").json
    assert [w["id"] for page in (first, second, third) for w in page["data"]] == [w["id"] for w in made]
    assert third["nextCursor"] is None
    named = api.get("/workflows?name=workflow%200&limit=1").json
    assert named["data"][0]["name"] == "workflow 0"
    rest = api.get(f"/workflows?cursor={named['nextCursor']}&limit=250").json
    assert [w["name"] for w in rest["data"]] == ["workflow 0"] * 2
    assert api.get(f"/workflows?cursor={named['nextCursor']}&name=other").status_code == 400
    assert api.get("/workflows?cursor=abc").json == {"message": "An invalid cursor was provided"}
    active = api.get("/workflows?active=false&limit=1").json["nextCursor"]
    assert len(api.get(f"/workflows?cursor={active}&limit=9").json["data"]) == 4


def test_a_page_of_large_workflows_is_whole(api, monkeypatch):
    made = sorted(api.post("/workflows", EXPORTED).json["id"] for _ in range(5))
    at_once = api.get("/workflows?limit=5")
    monkeypatch.setattr("app.api.workflows.workflow_pages.BATCH_BYTES", 1)
    bit_by_bit = api.get("/workflows?limit=5")
    assert (at_once.content_length, bit_by_bit.content_length) == (len(at_once.data), None)
    assert bit_by_bit.data == at_once.data
    pages = [api.get(f"/workflows?limit=2&offset={offset}").json for offset in (0, 2, 4)]
    assert [each["id"] for page in pages for each in page["data"]] == made, "who goes on by the limit misses none"
    following = api.get(f"/workflows?cursor={pages[0]['nextCursor']}").json
    assert [each["id"] for each in following["data"]] == made[2:4]


def test_pinned_data_can_be_left_out(api):
    made = api.post("/workflows", EXPORTED).json
    for path in (f"/workflows/{made['id']}", "/workflows"):
        body = api.get(f"{path}?excludePinnedData=true").json
        assert "pinData" not in (body["data"][0] if "data" in body else body)


def test_tags_of_a_workflow(api):
    made = api.post("/workflows", WORKFLOW).json
    path = f"/workflows/{made['id']}/tags"
    one, two = (api.post("/tags", {"name": name}).json for name in ("one", "two"))
    assert api.get(path).json == []
    assert api.put(path, [{"id": two["id"]}, {"id": one["id"]}]).json == [one, two]
    assert api.get(path).json == api.get("/workflows").json["data"][0]["tags"] == [one, two]
    assert len(api.get("/workflows?tags=one,two").json["data"]) == 1
    assert api.get("/workflows?tags=one,three").json["data"] == []
    assert api.put(path, [{"id": "nothing"}]).json == {"message": "Some tags not found"}
    assert api.put(path, []).json == []
