"""What can be stored and not yet run: drafts, unknown nodes; and what activation needs and shows."""

from copy import deepcopy

import pytest

from tests.api.conftest import NO_OP, TRIGGER, WORKFLOW
from tests.workflows import node


def changed(**changes):
    return {**deepcopy(WORKFLOW), **changes}


SCHEDULE = node("Each hour", "scheduleTrigger")
STARTS_ITSELF = {**WORKFLOW, "nodes": [*WORKFLOW["nodes"], SCHEDULE]}


@pytest.mark.parametrize("more", [[], [{**SCHEDULE, "disabled": True}]], ids=["by hand", "switched off"])
def test_what_nothing_starts_cannot_be_activated(api, more):
    made = api.post("/workflows", changed(nodes=[*WORKFLOW["nodes"], *more])).json
    refused = api.post(f"/workflows/{made['id']}/activate")
    assert refused.status_code == 400
    assert refused.json["message"].startswith("Workflow cannot be activated because it has no trigger node.")
    assert api.get(f"/workflows/{made['id']}").json["active"] is False


UNKNOWN = "Node 'Start': Unrecognized node type: n8n-nodes-base."
NOWHERE = "The workflow has no trigger node to start at."
FAR = {"Start": {"main": [[{"node": "Nothing", "type": "main", "index": 5000}]]}}


@pytest.mark.parametrize(
    ("changes", "run", "activate"),
    [
        ({"nodes": [], "connections": {}}, NOWHERE, "no trigger node"),
        ({"nodes": [NO_OP], "connections": {}}, NOWHERE, "no trigger node"),
        ({"nodes": [node("Start", "kafkaTrigger")], "connections": {}}, UNKNOWN, UNKNOWN),
        ({"nodes": [node("Start", "start")], "connections": {}}, UNKNOWN, UNKNOWN),
        ({"nodes": [node("Start", "acme.wonder")], "connections": {}}, "acme.wonder", "acme.wonder"),
        ({"nodes": [TRIGGER, NO_OP, SCHEDULE], "connections": FAR}, "Node 'Nothing'", "Node 'Nothing'"),
        ({"nodes": [TRIGGER, SCHEDULE], "connections": {}, "pinData": {"Start": 5}}, "'Start'", "'Start'"),
    ],
)
def test_a_draft_is_kept_and_refused_when_it_is_to_run(api, changes, run, activate):
    made = api.post("/workflows", changed(**changes))
    assert made.status_code == 200
    path = f"/workflows/{made.json['id']}"
    assert made.json["nodes"] == changes["nodes"]
    for action, said in (("run", run), ("activate", activate)):
        refused = api.post(f"{path}/{action}")
        assert refused.status_code == 400
        assert said in refused.json["message"]
    assert api.put(path, WORKFLOW).status_code == 200
    assert api.put(path, changed(**changes)).json["nodes"] == changes["nodes"]
    assert api.get("/executions").json["count"] == 0


@pytest.mark.parametrize("kind", ["errorTrigger", "executeWorkflowTrigger", "webhook", "cron", "interval"])
def test_what_something_starts_can_be_activated(api, kind):
    trigger = node("Start", kind, {"path": "p"})
    made = api.post("/workflows", changed(nodes=[trigger], connections={})).json
    assert api.post(f"/workflows/{made['id']}/activate").status_code == 200


def test_activation(api):
    made = api.post("/workflows", STARTS_ITSELF).json
    path = f"/workflows/{made['id']}"
    active = api.post(f"{path}/activate")
    assert active.status_code == 200
    assert (active.json["active"], active.json["triggerCount"]) == (True, 2)
    assert active.json["activeVersionId"] == active.json["versionId"]
    assert api.get("/workflows?active=true").json["data"] == [active.json]
    assert api.get("/workflows?active=false").json["data"] == []
    inactive = api.post(f"{path}/deactivate").json
    assert (inactive["active"], inactive["activeVersionId"]) == (False, None)
    assert api.post(f"{path}/deactivate").status_code == 200


def test_an_active_workflow_is_not_deleted(api):
    path = f"/workflows/{api.post('/workflows', STARTS_ITSELF).json['id']}"
    api.post(f"{path}/activate")
    refused = api.delete(path)
    assert (refused.status_code, refused.json["message"]) == (
        409,
        "Cannot delete an active workflow. Deactivate it before deleting it.",
    )
    assert api.get(path).json["active"] is True
    api.post(f"{path}/deactivate")
    assert api.delete(path).status_code == 200


def test_an_unknown_node_type_can_be_stored_but_neither_activated_nor_run(api):
    document = changed(nodes=[TRIGGER, SCHEDULE, node("Nothing", "noOpp")])
    made = api.post("/workflows", document)
    assert made.status_code == 200
    for path in ("activate", "run"):
        response = api.post(f"/workflows/{made.json['id']}/{path}")
        assert response.status_code == 400
        for part in ("Nothing", "n8n-nodes-base.noOpp", "n8n-nodes-base.noOp"):
            assert part in response.json["message"]
    known = api.post("/workflows", STARTS_ITSELF).json
    assert api.post(f"/workflows/{known['id']}/activate").status_code == 200
    assert api.put(f"/workflows/{known['id']}", document).status_code == 400
    assert api.get("/executions").json["count"] == 0


def test_an_unknown_version_of_a_node_type_is_named(api):
    unknown = node("Nothing", "set", version=99)
    made = api.post("/workflows", changed(nodes=[TRIGGER, unknown])).json
    response = api.post(f"/workflows/{made['id']}/run")
    assert response.status_code == 400
    assert "99" in response.json["message"]
