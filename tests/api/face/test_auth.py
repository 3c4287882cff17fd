"""Keys: scopes, projects, expiry, and what the cache may keep."""

from datetime import UTC, datetime, timedelta

import pytest

from app import scopes
from app.api.face import key_cache
from app.api.face.key_cache import ApiKeyCache
from app.repository import api_keys
from tests.api.conftest import KEY, WORKFLOW, endpoint_scopes

SCOPES = {
    "execution": {"list", "read", "retry", "stop", "delete", "update"},
    "executionTags": {"list", "update"},
    "workflow": {"create", "read", "list", "update", "delete", "activate", "move", "export", "import", "execute"},
    "testRun": {"list"},
    "tag": {"create", "read", "list", "update", "delete"},
    "credential": {"create", "read", "list", "update", "move", "delete"},
    "variable": {"create", "list", "update", "delete"},
    "project": {"create", "list", "update", "delete", "manageMembers"},
    "securityAudit": {"generate"},
    "insights": {"read"},
    "communityPackage": {"install", "list", "uninstall", "update"},
    "user": {"create", "read", "list", "delete"},
    "dataTable": {"create", "read", "list", "update", "delete"},
    "dataTableColumn": {"create", "read", "update", "delete"},
    "dataTableRow": {"create", "read", "update", "upsert", "delete"},
}


def test_every_endpoint_is_public_or_has_a_scope_of_n8n(api):
    table = endpoint_scopes(api.client.application)
    public = {path for (_, path), scope in table.items() if scope is None}
    assert public == {
        "/healthz",
        "/healthz/readiness",
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/docs",
        "/api/v1/docs/openapi-3.0.json",
        "/api/v1/docs/<name>",
        "/api/v1/openapi.yml",
        "/rest/settings",
        "/form/<path:path>",
        "/form-waiting/<execution_id>",
        "/form-waiting/<execution_id>/<path:suffix>",
        "/mcp/<path:path>",
        "/webhook/<path:path>/n8n-form",
        "/rest/login",
        "/rest/oauth1-credential/callback",
        "/rest/oauth2-credential/callback",
        "/types/nodes.json",
        "/webhook-test/<path:path>",
        "/webhook/<path:path>",
        "/webhook-waiting/<execution_id>",
        "/webhook-waiting/<execution_id>/<path:suffix>",
        "/",
        "/console/sign-in",
        "/console/static/<name>",
        "/console/<path:rest>",
    }
    used = {scope for scope in table.values() if scope not in (None, "none")}
    assert used == {f"{resource}:{verb}" for resource, verbs in SCOPES.items() for verb in verbs}
    assert used == scopes.SCOPES.keys(), "app/scopes.py says what a key can be allowed to do"


def test_its_own_scope_is_enough(api):
    assert api.with_key("lists", "execution:list").get("/executions").status_code == 200


def test_a_scope_may_stand_for_all_of_its_resource(api):
    tags = api.with_key("tags", "tag:*")
    assert tags.get("/tags").status_code == 200
    assert tags.post("/tags", {"name": "x"}).status_code == 201
    assert tags.get("/executions").status_code == 403
    assert api.with_key("runs", "execution:*").get("/executions/1/tags").status_code == 403


def test_an_expired_or_revoked_key_is_none(api, make_app):
    expired = api.with_key("expired", "*", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    refused = expired.get("/executions")
    assert refused.status_code == 401
    assert "X-N8N-API-KEY" in refused.headers["WWW-Authenticate"]
    revoked = api.with_key("revoked", "*")
    api_keys.revoke_api_key(api.db, api_keys.find_api_key(api.db, "revoked").id)
    api.db.commit()
    assert revoked.get("/executions").status_code == 401


def test_the_cache_spares_the_database_but_not_the_expiry(api, monkeypatch):
    expires = datetime.now(UTC) + timedelta(minutes=1)
    short = api.with_key("short", "*", expires_at=expires)
    assert short.get("/executions").status_code == 200
    looked_up = []
    monkeypatch.setattr(key_cache, "find_api_key", lambda *a: looked_up.append(a))
    assert short.get("/executions").status_code == 200
    assert not looked_up

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return expires

    monkeypatch.setattr(key_cache, "datetime", Later)
    assert short.get("/executions").status_code == 401


@pytest.fixture
def now() -> list[float]:
    """The one time that the cache's clock shows."""
    return [100.0]


@pytest.fixture
def cache(api, now) -> ApiKeyCache:
    """A cache of ten keys with a clock that the test moves."""
    return ApiKeyCache(api.client.application.extensions["executions"].pool, clock=lambda: now[0], most=10)


def test_the_cache_forgets_after_five_seconds_and_stays_small(api, cache, now):
    found = cache.find(KEY)
    assert found is not None
    api_keys.revoke_api_key(api.db, found.id)
    api.db.commit()
    now[0] += 4.9
    assert cache.find(KEY) is not None
    now[0] += 0.2
    assert cache.find(KEY) is None
    for number in range(30):
        assert cache.find(f"guess {number}") is None
    assert len(cache._known) + len(cache._unknown) <= 20


def test_a_key_made_just_after_it_was_refused_works_a_second_later(api, cache, now):
    assert cache.find("soon") is None
    api.with_key("soon", "*")
    assert cache.find("soon") is None
    now[0] += 1.1
    assert cache.find("soon") is not None


def test_use_is_noted_once_a_minute(api, cache, now, monkeypatch):
    noted = []
    monkeypatch.setattr(key_cache, "note_use", lambda connection, key_id: noted.append(key_id))
    for _ in range(13):
        cache.find(KEY)
        now[0] += 5.1
    assert len(noted) == 2
    monkeypatch.undo()
    assert api.get("/executions").status_code == 200
    assert api_keys.find_api_key(api.db, KEY).last_used_at is not None


@pytest.fixture
def two_projects(api):
    """A key for project a, and a workflow with a failed execution in each of two projects."""
    numbers = {}
    for project in ("a", "b"):
        api.project(project)
        workflow = api.workflow(project, f"workflow-{project}")
        numbers[project] = api.ended(workflow, "error")
    return api.with_key("of a", "*", project_id="a"), numbers


def test_lists_and_counts_hold_a_keys_own_project_only(two_projects):
    limited, _ = two_projects
    page = limited.get("/executions").json
    assert [execution["projectId"] for execution in page["data"]] == ["a"]
    assert page["count"] == 1
    assert limited.get("/executions?projectId=b").json["data"] == []


def test_bulk_calls_stay_inside_the_project(two_projects, api):
    limited, numbers = two_projects
    a, b = str(numbers["a"]), str(numbers["b"])
    answer = limited.post("/executions/retryMany", {"filter": {"ids": [a, b]}}).json
    assert answer["retried"] == 1
    assert answer["results"][1] == {"id": b, "message": "Execution not found"}
    assert limited.post("/executions/stop", {"status": ["queued"]}).json["stopped"] == 1
    assert limited.post("/executions/delete", {"ids": [b]}).status_code == 200
    assert limited.post("/executions/delete", {"filter": {"workflowId": "all"}}).status_code == 200
    assert [e["id"] for e in api.get("/executions").json["data"]] == [b]


def test_a_project_key_works_inside_its_project(two_projects):
    limited, _ = two_projects
    made = limited.post("/workflows", WORKFLOW).json
    assert made["projectId"] == "a"
    assert {w["projectId"] for w in limited.get("/workflows").json["data"]} == {"a"}
    assert limited.get("/workflows?projectId=b").json["data"] == []
    assert limited.post("/workflows", {**WORKFLOW, "projectId": "b"}).status_code == 404
    assert [p["id"] for p in limited.get("/projects").json["data"]] == ["a"]


def test_a_project_key_cannot_change_what_is_shared(two_projects):
    limited, _ = two_projects
    tag = limited.post("/tags", {"name": "mine"})
    assert tag.status_code == 201
    path = f"/tags/{tag.json['id']}"
    assert limited.get(path).status_code == 200
    for response in (
        limited.put(path, {"name": "other"}),
        limited.delete(path),
        limited.post("/projects", {"name": "x"}),
        limited.put("/projects/a", {"name": "x"}),
        limited.delete("/projects/a"),
    ):
        assert (response.status_code, response.json) == (403, {"message": "Forbidden"})


def test_the_key_that_the_environment_names_is_one_until_it_is_revoked(make_app, connect):
    key = "named by the environment".ljust(1_024, "!")
    app, header = make_app(EXECUTIONS_API_KEY=key), {"X-N8N-API-KEY": key}
    assert app.test_client().get("/api/v1/executions", headers={"X-N8N-API-KEY": f"{key}."}).status_code == 401
    assert app.test_client().get("/api/v1/executions", headers=header).status_code == 200
    connection = connect()
    counted = "SELECT last_value FROM pg_sequences WHERE sequencename = 'api_keys_id_seq'"
    before = connection.execute(counted).fetchone()
    for _ in range(3):
        api_keys.add_standing_key(connection, key)
    assert connection.execute(counted).fetchone() == before, "looks use up no ids"
    (stored,) = [each for each in api_keys.list_api_keys(connection) if each.label == "EXECUTIONS_API_KEY"]
    assert stored.scopes == ["*"]
    api_keys.revoke_api_key(connection, stored.id)
    connection.commit()
    restarted = make_app(EXECUTIONS_API_KEY=key)
    assert restarted.test_client().get("/api/v1/executions", headers=header).status_code == 401
