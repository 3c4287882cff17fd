"""Variables over HTTP: n8n's shapes, common ones and those of a project."""

import pytest

from app.repository import variables


def listed(api, query: str = "") -> list[str]:
    answer = api.get(f"/variables{query}")
    assert answer.status_code == 200, answer.json
    return sorted(entry["key"] for entry in answer.json["data"])


def test_a_variables_life(api) -> None:
    made = api.post("/variables", {"key": "region", "value": "eu"})
    assert made.status_code == 201
    expected = {"id": made.json["id"], "key": "region", "value": "eu", "type": "string", "project": None}
    assert made.json == expected
    assert api.get("/variables").json == {"data": [expected], "nextCursor": None}
    path = f"/variables/{made.json['id']}"
    assert api.put(path, {"key": "area", "value": ""}).status_code == 204
    assert api.get("/variables?state=empty").json["data"] == [{**expected, "key": "area", "value": ""}]
    assert (api.delete(path).status_code, api.delete(path).status_code) == (204, 404)
    assert api.put(path, {"key": "area", "value": ""}).json == {"message": "Variable not found"}


def test_a_project_has_its_own_beside_the_common_ones(api) -> None:
    api.project("a")
    common = api.post("/variables", {"key": "region", "value": "eu"}).json
    own = api.post("/variables", {"key": "region", "value": "us", "projectId": "a"}).json
    assert own["project"]["name"] == "a"
    assert listed(api) == ["region", "region"]
    assert [entry["id"] for entry in api.get("/variables?projectId=a").json["data"]] == [own["id"]]
    assert [entry["id"] for entry in api.get("/variables?projectId=null").json["data"]] == [common["id"]]
    for path, body in ((own["id"], {"projectId": None}), (common["id"], {"projectId": "a"})):
        assert api.put(f"/variables/{path}", {"key": "region", "value": "x", **body}).status_code == 409
    assert api.put(f"/variables/{own['id']}", {"key": "zone", "value": "x", "projectId": None}).status_code == 204
    assert api.get("/variables?projectId=a").json["data"] == []
    assert api.post("/variables", {"key": "k", "value": "", "projectId": "nowhere"}).status_code == 404
    assert api.put(f"/variables/{own['id']}", {"key": "zone", "value": "", "projectId": "no"}).status_code == 404


def test_a_key_of_a_project_sees_common_ones_and_changes_its_own_only(api) -> None:
    api.project("a")
    api.project("b")
    common = api.post("/variables", {"key": "common", "value": ""}).json
    other = api.post("/variables", {"key": "others", "value": "", "projectId": "b"}).json
    limited = api.with_key("of a", "variable:*", project_id="a")
    own = limited.post("/variables", {"key": "own", "value": ""}).json
    assert own["project"]["id"] == "a"
    assert listed(limited) == ["common", "own"]
    assert listed(limited, "?projectId=b") == []
    body = {"key": "new", "value": ""}
    assert limited.put(f"/variables/{common['id']}", body).status_code == 403
    assert limited.delete(f"/variables/{common['id']}").status_code == 403
    assert limited.put(f"/variables/{other['id']}", body).status_code == 404
    assert limited.put(f"/variables/{own['id']}", {**body, "projectId": None}).status_code == 404
    assert limited.put(f"/variables/{own['id']}", body).status_code == 204


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "k" * 51}, "key"),
        ({"key": "1st"}, "key"),
        ({"key": "with-dash"}, "key"),
        ({"key": "line\n"}, "key"),
        ({"key": None}, "key"),
        ({"value": "v" * 1_001}, "value"),
        ({"value": 5}, "value"),
        ({"value": "a\x00b"}, "value"),
        ({"projectId": 7}, "projectId"),
    ],
)
def test_what_is_no_variable_is_refused(api, change, field) -> None:
    answer = api.post("/variables", {"key": "k", "value": "v", **change})
    assert answer.status_code == 400
    assert field in answer.json["errors"]


def test_there_is_a_most_of_them(api, monkeypatch) -> None:
    monkeypatch.setattr(variables, "MAX_VARIABLES", 2)
    answers = [api.post("/variables", {"key": f"k{number}", "value": ""}).status_code for number in range(3)]
    assert answers == [201, 201, 409]
    api.project("a")
    own = api.post("/variables", {"key": "k", "value": "", "projectId": "a"})
    assert own.status_code == 201
    moved = api.put(f"/variables/{own.json['id']}", {"key": "k", "value": "", "projectId": None})
    assert moved.status_code == 409


def test_they_are_paged(api) -> None:
    made = sorted(api.post("/variables", {"key": f"k{number}", "value": ""}).json["id"] for number in range(5))
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = api.get("/variables?limit=2&state=empty" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [entry["id"] for entry in page["data"]]
        cursor = page["nextCursor"]
    assert seen == made


def test_a_project_with_variables_stays(api) -> None:
    api.project("a")
    own = api.post("/variables", {"key": "k", "value": "", "projectId": "a"}).json
    assert api.delete("/projects/a").status_code == 409
    api.delete(f"/variables/{own['id']}")
    assert api.delete("/projects/a").status_code == 204
