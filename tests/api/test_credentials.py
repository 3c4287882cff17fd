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
        "isGlobal": False,
        "isResolvable": False,
        "resolvableAllowFallback": False,
        "resolverId": None,
        "createdAt": "",
        "updatedAt": "",
    }
    [entry] = listed.json["data"]
    assert entry["name"] == "New"
    assert [(owner["id"], owner["name"], owner["role"]) for owner in entry["shared"]] == [
        ("default", "Default project", "credential:owner")
    ]
    assert deleted.json["usageScope"] == "project"
    assert api.get(f"/credentials/{credential_id}").status_code == 404


def test_its_secret_is_not_in_the_database(api) -> None:
    api.post("/credentials", BODY)
    [row] = api.db.execute("SELECT data FROM credentials").fetchall()
    assert SECRET.encode() not in row[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "a/b"}, "type"),
        ({"type": ""}, "type"),
        ({"type": "a\n"}, "type"),
        ({"isGlobal": True}, "isGlobal"),
        ({"isResolvable": 1}, "isResolvable"),
        ({"data": {"zz": SECRET}}, "data"),
        ({"data": {"user": 5}}, "data"),
        ({"data": [SECRET]}, "data"),
        ({"data": {"allowedHttpRequestDomains": SECRET}}, "data"),
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
    assert api.get("/credentials/schema/n8nApi").json["properties"].keys() >= {"apiKey", "baseUrl"}
    assert api.get("/credentials/schema/httpCustomAuth").json["required"] == ["json"]
    unknown = {"additionalProperties": True, "type": "object", "properties": {}, "required": []}
    assert api.get("/credentials/schema/notionApi").json == unknown
    assert api.get("/credentials/schema/no%20type").status_code == 404


def test_of_a_type_that_is_not_known_all_is_kept_and_nothing_shown(api) -> None:
    data = {"apiKey": SECRET, "nested": {"deep": [1, None, {"x": "☃"}]}, "on": True}
    made = api.post("/credentials", {"name": "Notes", "type": "notionApi", "data": data, "isResolvable": False})
    assert made.status_code == 200
    path = f"/credentials/{made.json['id']}"
    answers = [made, api.get("/credentials"), api.get(path), api.patch(path, {"name": "Other"})]
    assert not any(SECRET in answer.text for answer in answers)
    services = api.client.application.extensions["executions"]
    assert services.vault.read_in_project(api.db, "default", made.json["id"], "notionApi") == data
    tried = api.post(f"{path}/test")
    assert tried.json == {"status": "Error", "message": "No testing function found for this credential."}


@pytest.mark.parametrize(
    "data", [{"x": "y" * 300_000}, {str(number): "y" * 40 for number in range(10_000)}], ids=["long", "many"]
)
def test_there_is_a_most_that_a_credential_can_hold(api, data) -> None:
    answer = api.post("/credentials", {"name": "Notes", "type": "notionApi", "data": data})
    assert answer.json["errors"] == {"data": ["Must not be more than 262,144 bytes of JSON."]}


def test_data_nested_too_deeply_is_refused(api) -> None:
    body = f'{{"name":"N","type":"notionApi","data":{{"a":{"[" * 500}{"]" * 500}}}}}'
    answer = api.client.post(
        "/api/v1/credentials", data=body, content_type="application/json", headers={"X-N8N-API-KEY": api.key}
    )
    assert answer.status_code == 400


def test_a_change_of_type_brings_its_data(api) -> None:
    made = api.post("/credentials", BODY).json
    path = f"/credentials/{made['id']}"
    vault = api.client.application.extensions["executions"].vault

    def holds(kind: str):
        api.db.rollback()
        return vault.read_in_project(api.db, "default", made["id"], kind)

    assert api.patch(path, {"type": "httpBasicAuth", "name": "Same"}).json["name"] == "Same"
    refused = api.patch(path, {"type": "httpHeaderAuth"})
    assert (refused.status_code, list(refused.json["errors"])) == (400, ["data"])
    assert api.patch(path, {"type": "httpHeaderAuth", "data": {"user": "a"}}).status_code == 400
    assert api.patch(path, {"isPartialData": True, "data": {"user": "bob"}}).status_code == 200
    assert holds("httpBasicAuth") == {"user": "bob", "password": SECRET}
    assert api.patch(path, {}).json["name"] == "Same"
    changed = api.patch(path, {"type": "httpHeaderAuth", "data": {"name": "X", "value": SECRET}})
    assert changed.json["type"] == "httpHeaderAuth"
    assert holds("httpHeaderAuth") == {"name": "X", "value": SECRET}
    assert holds("httpBasicAuth") is None


def test_one_is_tried_on_its_service(api) -> None:
    made = api.post(
        "/credentials", {"name": "DB", "type": "postgres", "data": {"host": "127.0.0.1", "password": SECRET}}
    )
    tried = api.post(f"/credentials/{made.json['id']}/test")
    assert (tried.status_code, tried.json["status"]) == (200, "Error")
    assert "127.0.0.1" in tried.json["message"]
    assert SECRET not in tried.text
    assert api.post("/credentials/nope/test").status_code == 404


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
