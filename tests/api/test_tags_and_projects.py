"""Tags and projects: made, read, renamed, deleted."""

import pytest

from tests.api.conftest import WORKFLOW


def test_a_tags_life(api):
    made = api.post("/tags", {"name": "production"})
    assert made.status_code == 201
    assert list(made.json) == ["id", "name", "createdAt", "updatedAt"]
    path = f"/tags/{made.json['id']}"
    assert api.get(path).json == made.json
    renamed = api.put(path, {"name": "live"})
    assert (renamed.status_code, renamed.json["name"]) == (200, "live")
    assert renamed.json["updatedAt"] > made.json["updatedAt"]
    deleted = api.delete(path)
    assert (deleted.status_code, deleted.json) == (200, renamed.json)
    for method in ("GET", "DELETE"):
        assert api.call(method, f"/api/v1{path}").json == {"message": "Tag not found"}
    assert api.put(path, {"name": "x"}).status_code == 404


def test_names_are_unique(api):
    api.post("/tags", {"name": "one"})
    two = api.post("/tags", {"name": "two"}).json
    for response in (api.post("/tags", {"name": "one"}), api.put(f"/tags/{two['id']}", {"name": "one"})):
        assert (response.status_code, response.json) == (409, {"message": "Tag already exists"})


def test_names_are_without_the_blanks_around_them(api):
    made = api.post("/tags", {"name": " one "}).json
    assert made["name"] == "one"
    assert api.put(f"/tags/{made['id']}", {"name": "\ttwo "}).json["name"] == "two"
    assert api.post("/projects", {"name": " P "}).json["name"] == "P"
    assert api.post("/tags", {"name": " "}).status_code == 400


def test_who_carried_a_deleted_tag_loses_it(api):
    number = api.ended(api.workflow())
    api.patch(f"/executions/{number}", {"annotation": {"tags": ["needs review"]}})
    assert api.get("/tags/needs%20review").json["name"] == "needs review"
    assert api.delete("/tags/needs%20review").status_code == 200
    assert api.get(f"/executions/{number}").json["annotation"]["tags"] == []


def test_tags_are_paged(api):
    made = sorted(api.post("/tags", {"name": f"tag {number}"}).json["id"] for number in range(5))
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = api.get("/tags?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [tag["id"] for tag in page["data"]]
        cursor = page["nextCursor"]
    assert seen == made


@pytest.mark.parametrize("tag_id", ["%00", "x" * 65, "a%2Fb"])
def test_an_id_that_no_tag_can_have_is_not_found(api, tag_id):
    assert api.get(f"/tags/{tag_id}").status_code == 404


def test_a_projects_life(api):
    made = api.post("/projects", {"name": "Marketing"})
    assert made.status_code == 201
    assert (made.json["type"], made.json["role"], made.json["scopes"]) == ("team", "project:admin", ["*"])
    path = f"/projects/{made.json['id']}"
    assert {p["name"] for p in api.get("/projects").json["data"]} == {"Default project", "Marketing"}
    renamed = api.put(path, {"name": "Sales"})
    assert (renamed.status_code, renamed.data) == (204, b"")
    assert {p["name"] for p in api.get("/projects").json["data"]} == {"Default project", "Sales"}
    workflow = api.post("/workflows", {**WORKFLOW, "projectId": made.json["id"]}).json
    assert workflow["projectId"] == made.json["id"]
    run = api.post(f"/workflows/{workflow['id']}/run").json
    assert run["projectId"] == made.json["id"]
    assert "projectId" not in api.get(f"/executions/{run['id']}?includeData=true").json["workflowData"]
    refused = api.delete(path)
    assert (refused.status_code, "still has" in refused.json["message"]) == (409, True)
    api.delete(f"/workflows/{workflow['id']}")
    api.post("/executions/delete", {"filter": {"workflowId": "all"}})
    deleted = api.delete(path)
    assert (deleted.status_code, deleted.data) == (204, b"")
    for response in (api.delete(path), api.put(path, {"name": "x"}), api.delete("/projects/a.b")):
        assert (response.status_code, response.json) == (404, {"message": "Project not found"})
    assert api.post("/workflows", {**WORKFLOW, "projectId": made.json["id"]}).status_code == 404


def test_a_list_of_very_many_tags_is_refused_at_once(api, workflow):
    answer = api.put(f"/workflows/{workflow.id}/tags", [1] * 100_000)
    assert (answer.status_code, answer.json) == (
        400,
        {"message": "Must not have more than 1,000 entries."},
    )
