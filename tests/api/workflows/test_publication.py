"""Which version is published, history, archiving and transfer, as the same calls do in n8n."""

from typing import Any

import pytest

from app.repository import executions
from tests.api.conftest import NO_OP, WORKFLOW, Api
from tests.workflows import chain, node

NOWHERE = "00000000-0000-4000-8000-000000000000"


def hook(path: str) -> dict[str, Any]:
    return chain(
        node("Webhook", "webhook", {"path": path, "options": {}}, 2, webhookId="h", id="1"), NO_OP, name=f"Hook {path}"
    )


def saved(api: Api, document: dict[str, Any]) -> tuple[str, str]:
    made = api.post("/workflows", document)
    assert made.status_code == 200, made.json
    return made.json["id"], made.json["versionId"]


def addresses(api: Api) -> set[str]:
    return {row[0] for row in api.db.execute("SELECT path FROM webhooks").fetchall()}


def ran(api: Api, path: str) -> str:
    """The version that a call to this webhook started."""
    assert api.with_key(None).call("GET", f"/webhook/{path}").status_code == 200
    api.db.rollback()
    [(version,)] = api.db.execute("SELECT workflow_version_id FROM executions ORDER BY id DESC LIMIT 1").fetchall()
    return str(version)


def test_a_version_that_is_named_is_the_one_that_runs(api) -> None:
    workflow_id, first = saved(api, hook("one"))
    second = api.put(f"/workflows/{workflow_id}", hook("two")).json["versionId"]
    answer = api.post(f"/workflows/{workflow_id}/activate", {"versionId": first}).json
    assert (answer["active"], answer["activeVersionId"], answer["versionId"]) == (True, first, second)
    assert answer["activeVersion"]["nodes"][0]["parameters"]["path"] == "one"
    assert answer["nodes"][0]["parameters"]["path"] == "two"
    assert api.get(f"/workflows/{workflow_id}").json == answer
    assert addresses(api) == {"one"}
    assert ran(api, "one") == first
    answer = api.post(f"/workflows/{workflow_id}/publish", {"versionId": second, "name": "v two", "description": "d"})
    assert answer.json["activeVersionId"] == second
    assert (answer.json["activeVersion"]["name"], answer.json["activeVersion"]["description"]) == ("v two", "d")
    assert ran(api, "two") == second


def test_a_save_of_an_active_workflow_is_published_unless_it_is_to_stay_a_draft(api) -> None:
    workflow_id, first = saved(api, hook("one"))
    assert api.post(f"/workflows/{workflow_id}/publish").json["activeVersionId"] == first
    draft = api.put(f"/workflows/{workflow_id}?publishIfActive=false", hook("two")).json
    assert (draft["active"], draft["activeVersionId"]) == (True, first)
    assert draft["versionId"] != first
    assert addresses(api) == {"one"}
    assert ran(api, "one") == first
    manual = api.post(f"/workflows/{workflow_id}/run", {}).json
    assert manual["workflowVersionId"] == draft["versionId"]
    again = api.put(f"/workflows/{workflow_id}", hook("two")).json
    assert again["versionId"] == again["activeVersionId"] == draft["versionId"]
    assert addresses(api) == {"two"}
    published = api.put(f"/workflows/{workflow_id}?publishIfActive=true", hook("three")).json
    assert published["versionId"] == published["activeVersionId"]


def test_a_draft_that_cannot_be_active_leaves_what_is_published(api) -> None:
    workflow_id, first = saved(api, hook("one"))
    api.post(f"/workflows/{workflow_id}/publish")
    broken = {**WORKFLOW, "nodes": [], "connections": {}}
    assert api.put(f"/workflows/{workflow_id}", broken).status_code == 400
    assert api.put(f"/workflows/{workflow_id}?publishIfActive=false", broken).status_code == 200
    assert api.post(f"/workflows/{workflow_id}/publish").status_code == 400
    assert ran(api, "one") == first


@pytest.mark.parametrize("call", ["activate", "publish"])
def test_versions_that_are_not_there(api, call) -> None:
    workflow_id, _ = saved(api, hook("one"))
    _, other = saved(api, hook("two"))
    for version in (NOWHERE, "nonsense", other):
        answer = api.post(f"/workflows/{workflow_id}/{call}", {"versionId": version})
        assert (answer.status_code, answer.json) == (404, {"message": "Version not found"})
        for path in (f"/workflows/{workflow_id}/{version}", f"/workflows/{workflow_id}/versions/{version}"):
            assert (api.get(path).status_code, api.get(path).json) == (404, {"message": "Version not found"})
    assert api.get(f"/workflows/{workflow_id}").json["active"] is False
    assert api.post("/workflows/nosuch/publish", {"versionId": other}).status_code == 404
    assert api.post(f"/workflows/{workflow_id}/{call}", {"versionId": 7}).status_code == 400
    for empty in ({"versionId": ""}, {"versionId": None}, {}):
        assert api.post(f"/workflows/{workflow_id}/{call}", empty).status_code == 200


def test_history(api) -> None:
    workflow_id, first = saved(api, hook("one"))
    second = api.put(f"/workflows/{workflow_id}", hook("two")).json["versionId"]
    api.post(f"/workflows/{workflow_id}/publish", {"versionId": first, "name": "The first"})
    lines = api.get(f"/workflows/{workflow_id}/history").json["data"]
    assert [line["versionId"] for line in lines] == [second, first]
    assert [line["name"] for line in lines] == [None, "The first"]
    assert list(lines[0]) == [*("versionId", "workflowId", "authors", "name", "description", "createdAt", "updatedAt")]
    page = api.get(f"/workflows/{workflow_id}/history?limit=1").json
    rest = api.get(f"/workflows/{workflow_id}/history?cursor={page['nextCursor']}").json
    assert page["data"] + rest["data"] == lines
    assert rest["nextCursor"] is None
    version = api.get(f"/workflows/{workflow_id}/versions/{first}").json
    assert version["nodes"][0]["parameters"]["path"] == "one"
    assert version["nodeGroups"] == []
    assert api.get(f"/workflows/{workflow_id}/{first}").json == version
    assert api.get("/workflows/nosuch/history").status_code == 404
    assert api.get(f"/workflows/{workflow_id}/history?cursor=abc").status_code == 400
    api.post(f"/workflows/{workflow_id}/unpublish")
    api.delete(f"/workflows/{workflow_id}")
    assert api.get(f"/workflows/{workflow_id}/{first}").status_code == 404


def test_a_workflow_has_no_evaluations(api) -> None:
    workflow_id, _ = saved(api, hook("one"))
    nothing = {"data": [], "nextCursor": None}
    for query in ("", "?limit=10&status=completed", "?cursor="):
        answer = api.get(f"/workflows/{workflow_id}/test-runs{query}")
        assert (answer.status_code, answer.json) == (200, nothing)
    assert api.get("/workflows/nosuch/test-runs").status_code == 404
    assert api.get(f"/workflows/{workflow_id}/test-runs?status=done").status_code == 400


def test_unpublish(api) -> None:
    workflow_id, _ = saved(api, hook("one"))
    api.post(f"/workflows/{workflow_id}/publish")
    for _ in range(2):
        answer = api.post(f"/workflows/{workflow_id}/unpublish").json
        assert (answer["active"], answer["activeVersionId"], answer["activeVersion"]) == (False, None, None)
    assert addresses(api) == set()


def test_an_archived_workflow_is_put_away(api) -> None:
    workflow_id, _ = saved(api, hook("one"))
    path = f"/workflows/{workflow_id}"
    api.post(f"{path}/publish")
    failed = api.post(f"{path}/run", {}).json["id"]
    api.finish(int(failed), "error", error_node="Nothing", error_message="It broke")
    for _ in range(2):
        answer = api.post(f"{path}/archive")
        assert (answer.status_code, answer.json["isArchived"], answer.json["active"]) == (200, True, False)
    assert addresses(api) == set()
    assert api.get(path).json["isArchived"] is True
    assert [each["id"] for each in api.get("/workflows").json["data"]] == [workflow_id]
    refusals = {
        "activate": api.post(f"{path}/activate"),
        "update": api.put(path, hook("two")),
        "run": api.post(f"{path}/run", {}),
    }
    for what, refused in refusals.items():
        assert refused.status_code == 400
        assert refused.json == {"message": f"Cannot {what} an archived workflow."}
    retried = api.post(f"/executions/{failed}/retry")
    assert (retried.status_code, retried.json["message"]) == (
        409,
        f"Cannot retry: the workflow {workflow_id} is archived",
    )
    assert api.post(f"{path}/unpublish").status_code == 200
    taken_out = api.post(f"{path}/unarchive")
    assert (taken_out.status_code, taken_out.json["isArchived"]) == (200, False)
    again = api.post(f"{path}/unarchive")
    assert (again.status_code, again.json) == (400, {"message": "Workflow is not archived."})
    assert api.post(f"{path}/activate").status_code == 200
    api.post(f"{path}/archive")
    assert api.delete(path).status_code == 200
    for call in ("archive", "unarchive"):
        assert api.post(f"/workflows/nosuch/{call}").status_code == 404


def test_a_transferred_workflow_belongs_to_the_other_project(api) -> None:
    api.project("a"), api.project("b")
    workflow_id, _ = saved(api, {**hook("one"), "projectId": "a"})
    before = int(api.post(f"/workflows/{workflow_id}/run", {}).json["id"])
    api.post(f"/workflows/{workflow_id}/publish")
    answer = api.put(f"/workflows/{workflow_id}/transfer", {"destinationProjectId": "b"})
    assert (answer.status_code, answer.data) == (204, b"")
    after = api.get(f"/workflows/{workflow_id}").json
    assert (after["projectId"], after["active"], after["activeVersionId"]) == ("b", True, after["versionId"])
    of_a, of_b = (api.with_key(f"of {name}", "*", project_id=name) for name in "ab")
    assert of_a.get(f"/workflows/{workflow_id}").status_code == 404
    assert of_b.get(f"/workflows/{workflow_id}").status_code == 200
    assert ran(api, "one") == after["versionId"]
    [latest] = of_b.get(f"/executions?workflowId={workflow_id}").json["data"]
    assert latest["projectId"] == "b"
    assert executions.get_execution(api.db, before).project_id == "a"
    assert of_b.put(f"/workflows/{workflow_id}/transfer", {"destinationProjectId": "a"}).status_code == 404
    for body, status in (
        ({"destinationProjectId": "nosuch"}, 404),
        ({"destinationProjectId": "x" * 65}, 400),
        ({"destinationProjectId": "a/b"}, 404),
        ({"destinationProjectId": ""}, 400),
        ({}, 400),
    ):
        assert api.put(f"/workflows/{workflow_id}/transfer", body).status_code == status
    assert api.put("/workflows/nosuch/transfer", {"destinationProjectId": "a"}).status_code == 404
    assert api.put(f"/workflows/{workflow_id}/transfer", {"destinationProjectId": "b"}).status_code == 204
    assert api.get(f"/workflows/{workflow_id}").json == after


def test_a_transferred_credential_belongs_to_the_other_project(api, make_app, tmp_path) -> None:
    api.client = make_app(EXECUTIONS_HOME=str(tmp_path)).test_client()
    api.project("b")
    body = {"name": "Service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "v"}}
    path = f"/credentials/{api.post('/credentials', body).json['id']}"
    assert api.put(f"{path}/transfer", {"destinationProjectId": "nosuch"}).status_code == 404
    assert api.put(f"{path}/transfer", {"destinationProjectId": "b"}).status_code == 204
    assert api.with_key("of b", "*", project_id="b").get(path).status_code == 200
    assert api.with_key("of default", "*", project_id="default").get(path).status_code == 404
    assert api.put("/credentials/nosuch/transfer", {"destinationProjectId": "b"}).status_code == 404


def test_what_a_program_without_drafts_saves_is_published(api) -> None:
    workflow_id, first = saved(api, hook("one"))
    api.post(f"/workflows/{workflow_id}/publish")
    made = api.db.execute(
        "INSERT INTO workflow_versions (workflow_id, project_id, name, definition)"
        " SELECT workflow_id, project_id, name, definition FROM workflow_versions WHERE id = %s RETURNING id",
        [first],
    ).fetchone()
    api.db.execute("UPDATE workflows SET version_id = %s WHERE id = %s", [made[0], workflow_id])
    api.db.commit()
    assert api.get(f"/workflows/{workflow_id}").json["activeVersionId"] == str(made[0])


def test_a_transfer_leaves_a_draft_a_draft(api) -> None:
    api.project("b")
    workflow_id, first = saved(api, hook("one"))
    api.post(f"/workflows/{workflow_id}/publish")
    api.put(f"/workflows/{workflow_id}?publishIfActive=false", hook("two"))
    assert api.put(f"/workflows/{workflow_id}/transfer", {"destinationProjectId": "b"}).status_code == 204
    after = api.get(f"/workflows/{workflow_id}").json
    assert (after["projectId"], after["activeVersionId"], after["name"]) == ("b", first, "Hook two")
    assert ran(api, "one") == first
