"""What clients of n8n ask for besides: what a key can do, how executions went, and what is not here."""

from urllib.parse import urljoin

import pytest

from app.scopes import SCOPES
from tests.api.conftest import WORKFLOW

ABSENT = [
    ("POST", "source-control/pull"),
    ("GET", "source-control/status"),
    ("GET", "settings/ldap"),
    ("PUT", "settings/sso/saml"),
    ("GET", "settings/log-streaming/destinations"),
    ("GET", "promotions/providers"),
    ("GET", "roles"),
    ("GET", "roles/global:owner"),
    ("PATCH", "users/owner@example.com/role"),
    ("GET", "projects/default/folders"),
    ("POST", "projects/default/folders"),
    ("GET", "node-type-policies/instance"),
    ("POST", "workflows/x/test-runs"),
    ("GET", "source-control/pull/"),
]


@pytest.mark.parametrize(("method", "path"), ABSENT)
def test_what_is_not_here_is_403_with_a_sentence(api, method, path) -> None:
    answer = api.call(method, f"/api/v1/{path}", None if method == "GET" else {})
    assert answer.status_code == 403
    assert "no such thing" in answer.json["message"]
    for key in (None, "wrong"):
        assert api.with_key(key).call(method, f"/api/v1/{path}").json == {"message": "Unauthorized"}


def test_other_paths_are_still_404(api) -> None:
    for path in (
        "/api/v1/source-controlled",
        "/source-control/pull",
        "/api/v1/projects/a/b/folders",
        "/api/v1/x/roles",
    ):
        assert api.call("GET", path).status_code == 404
        assert api.with_key(None).call("GET", path).status_code == 404


def test_a_key_learns_what_it_can_do(api) -> None:
    everything = api.get("/discover").json["data"]
    assert everything["scopes"] == list(SCOPES)
    assert everything["specUrl"] == "/api/v1/openapi.yml"
    assert {"workflow", "execution", "tag", "credential", "user", "discover"} <= everything["resources"].keys()
    lists = {"method": "GET", "path": "/api/v1/workflows", "operationId": "getManyWorkflows"}
    assert lists in everything["resources"]["workflow"]["endpoints"]
    limited = api.with_key("of tags", "tag:list", "tag:create")
    found = limited.get("/discover").json["data"]
    assert found["scopes"] == ["tag:create", "tag:list"]
    assert found["resources"].keys() == {"tag", "discover"}
    assert set(found["resources"]["tag"]["operations"]) == {"list", "create"}
    one = limited.get("/discover?resource=tag&operation=create&include=schemas").json["data"]
    assert one["resources"].keys() == {"tag"}
    [endpoint] = one["resources"]["tag"]["endpoints"]
    assert (endpoint["method"], endpoint["path"]) == ("POST", "/api/v1/tags")
    assert "requestSchema" in endpoint
    assert api.get("/discover?resource=nosuch").json["data"]["resources"] == {}
    assert api.get("/discover?include=foo").status_code == 400


def test_how_executions_went(api, workflow) -> None:
    assert api.get("/insights/summary").json["total"] == {"value": 0, "unit": "count", "deviation": None}
    for status in ("success", "success", "success", "error"):
        api.ended(workflow, status)
    api.queue(workflow)
    summary = api.get("/insights/summary").json
    values = {name: summary[name]["value"] for name in ("total", "failed", "failureRate", "timeSaved")}
    assert values == {"total": 4, "failed": 1, "failureRate": 0.25, "timeSaved": 0}
    assert summary["averageRunTime"]["value"] >= 0
    assert list(summary) == ["averageRunTime", "failed", "failureRate", "timeSaved", "total"]
    past = "startDate=2020-01-01T00:00:00.000Z&endDate=2020-02-01T00:00:00.000Z"
    assert api.get(f"/insights/summary?{past}").json["total"]["value"] == 0
    assert api.get("/insights/summary?projectId=other").json["total"]["value"] == 0
    api.project("other")
    limited = api.with_key("of other", "insights:read", project_id="other")
    assert limited.get("/insights/summary").json["total"]["value"] == 0
    for query in ("startDate=foo", "startDate=2020-02-01&endDate=2020-01-01", "endDate=0001-01-02"):
        assert api.get(f"/insights/summary?{query}").status_code == 400


def test_what_the_editor_would_ask(api) -> None:
    nobody = api.with_key(None)
    settings = nobody.call("GET", "/rest/settings").json["data"]
    assert (settings["settingsMode"], settings["versionCli"]) == ("public", "2.40.7")
    login = nobody.call("POST", "/rest/login", {"emailOrLdapLoginId": "a@b.c", "password": "x"})
    assert (login.status_code, login.json["code"]) == (401, 401)
    assert "API key" in login.json["message"]
    assert nobody.call("GET", "/types/nodes.json").json == {"status": "error", "message": "Unauthorized"}
    assert nobody.call("GET", "/rest/other").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_test_webhook_says_that_nobody_listens(api, method) -> None:
    workflow_id = api.post("/workflows", WORKFLOW).json["id"]
    assert workflow_id
    answer = api.with_key(None).call(method, "/webhook-test/no/such/")
    assert answer.status_code == 404
    assert answer.json["code"] == 404
    assert answer.json["message"] == 'The requested webhook "no/such" is not registered.'
    assert "activate" in answer.json["hint"]


def test_the_document_where_clients_look_for_it(api) -> None:
    nobody = api.with_key(None)
    document = nobody.call("GET", "/api/v1/openapi.yml")
    assert document.content_type == "application/yaml"
    assert document.data == nobody.call("GET", "/api/v1/openapi.json").data
    for path, script in (("docs", "docs/start.js"), ("docs/", "start.js")):
        page = nobody.call("GET", f"/api/v1/{path}")
        assert page.status_code == 200
        assert f'src="{script}"' in page.text
    assert nobody.call("GET", "/api/v1/docs/start.js").status_code == 200
    # Behind the prefix of a proxy it leads to where the calls are.
    for path in ("openapi.json", "docs/openapi-3.0.json"):
        (server,) = nobody.call("GET", f"/api/v1/{path}").json["servers"]
        assert urljoin(f"https://x.example/exec/api/v1/{path}", server["url"]) == "https://x.example/exec/"
