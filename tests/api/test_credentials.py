"""Credentials over HTTP: n8n's shapes, and nothing of what they hold comes back."""

import pytest

SECRET = "very-secret-value"
BODY = {"name": "Service", "type": "httpBasicAuth", "data": {"user": "ann", "password": SECRET}}


@pytest.fixture
def api(make_app, connect, tmp_path):
    from tests.api.conftest import KEY, Api

    app = make_app(EXECUTIONS_API_KEY=f"{KEY} for credentials", EXECUTIONS_HOME=str(tmp_path))
    api = Api(app.test_client(), connect())
    return api.with_key("everything", "*")


def test_it_is_made_listed_read_changed_and_deleted_without_its_secret(api) -> None:
    made = api.post("/credentials", BODY)
    assert made.status_code == 200
    credential_id = made.json["id"]
    changed = api.patch(f"/credentials/{credential_id}", {"name": "New", "data": {"user": "bob", "password": SECRET}})
    listed = api.get("/credentials")
    read = api.get(f"/credentials/{credential_id}")
    deleted = api.delete(f"/credentials/{credential_id}")
    for answer in (made, changed, listed, read, deleted):
        assert answer.status_code == 200, answer.json
        assert SECRET not in answer.text
        assert "ann" not in answer.text
    assert made.json | {"createdAt": "", "updatedAt": ""} == {
        "id": credential_id,
        "name": "Service",
        "type": "httpBasicAuth",
        "projectId": "default",
        "isManaged": False,
        "createdAt": "",
        "updatedAt": "",
    }
    assert [entry["name"] for entry in listed.json["data"]] == ["New"]
    assert api.get(f"/credentials/{credential_id}").status_code == 404


def test_its_secret_is_not_in_the_database(api) -> None:
    api.post("/credentials", BODY)
    [row] = api.db.execute("SELECT data FROM credentials").fetchall()
    assert SECRET.encode() not in row[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "nope"}, "type"),
        ({"data": {"zz": SECRET}}, "data"),
        ({"data": {"user": 5}}, "data"),
        ({"data": [SECRET]}, "data"),
        ({"data": {"allowedHttpRequestDomains": SECRET}}, "data"),
        ({"more": 1}, "more"),
        ({"name": ""}, "name"),
    ],
)
def test_what_does_not_fit_its_type_is_refused_without_being_repeated(api, change, field) -> None:
    answer = api.post("/credentials", {**BODY, **change})
    assert answer.status_code == 400
    assert field in answer.json["errors"]
    assert SECRET not in answer.text


def test_the_schema_of_a_type_is_told(api) -> None:
    answer = api.get("/credentials/schema/httpHeaderAuth")
    assert answer.json["properties"]["value"] == {"type": "string"}
    assert answer.json["additionalProperties"] is False
    assert api.get("/credentials/schema/nope").status_code == 404


def test_scopes_and_projects_are_kept(api) -> None:
    from app.repository import projects

    projects.create_project(api.db, "p2", "Second")
    api.db.commit()
    made = api.post("/credentials", BODY).json
    other = api.with_key("of p2", "credential:list", "credential:create", "credential:delete", project_id="p2")
    assert other.get("/credentials").json["data"] == []
    assert other.delete(f"/credentials/{made['id']}").status_code == 404
    assert other.post("/credentials", {**BODY, "projectId": "default"}).status_code == 404
    assert other.post("/credentials", BODY).json["projectId"] == "p2"
    reader = api.with_key("reads only", "credential:list")
    assert reader.post("/credentials", BODY).status_code == 403
