"""What goes on behind the executions, as the API tells it and the engine room shows it."""

from types import SimpleNamespace

import pytest

from app.api import overview
from app.repository import workers
from tests.workflows import node, workflow


@pytest.fixture
def hooked(api):
    """An active workflow with two webhooks and two schedules."""
    hour = {"rule": {"interval": [{"field": "hours"}, {"field": "days"}]}}
    nodes = [
        node("Get", "webhook", {"path": "orders/:id", "httpMethod": "GET"}, 2, webhookId="abc"),
        node("Post", "webhook", {"path": "orders", "httpMethod": "POST"}, 2, webhookId="abd"),
        node("Clock", "scheduleTrigger", hour, 1.2),
    ]
    made = api.post("/workflows", workflow(nodes, name="Hooked")).json["id"]
    assert api.post(f"/workflows/{made}/activate").status_code == 200
    return made


def pages(api, path: str) -> list[dict]:
    """All of a list, one by one."""
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{path}?limit=1&cursor={cursor}").json
        assert len(page["data"]) == 1
        found += page["data"]
        cursor = page["nextCursor"]
    return found


def test_workers_and_queue(api, workflow) -> None:
    number = workers.register(api.db, hostname="machine-1", pid=7, concurrency=20)
    api.db.commit()
    api.queue(workflow)
    [worker] = api.get("/workers").json["data"]
    assert worker["id"] == str(number)
    assert (worker["hostname"], worker["slots"], worker["running"], worker["alive"]) == ("machine-1", 20, 0, True)
    queue = api.get("/queue").json
    assert (queue["queued"], queue["running"], queue["waiting"]) == (1, 0, 0)
    [waiting] = queue["workflows"]
    assert (waiting["workflowId"], waiting["workflowName"], waiting["queued"]) == (workflow.id, workflow.name, 1)
    limited = api.with_key("limited", "*", project_id=api.project("other"))
    nothing = {"queued": 0, "running": 0, "waiting": 0, "oldestQueuedSeconds": 0, "workflows": []}
    assert limited.get("/queue").json == nothing
    assert limited.get("/workers").status_code == 403


def test_webhooks_and_schedules_go_on_page_by_page(api, hooked) -> None:
    first, second = pages(api, "/webhooks")
    assert (first["method"], first["path"], first["workflowName"]) == ("GET", "orders/:id", "Hooked")
    assert first["url"].endswith("/webhook/abc/orders/:id")
    assert (second["node"], second["url"].rpartition("/webhook/")[2]) == ("Post", "orders")
    starts = pages(api, "/schedules")
    assert [start["rule"] for start in starts] == [0, 1]
    assert starts[0]["nextAt"] <= starts[1]["nextAt"]
    limited = api.with_key("limited", "*", project_id=api.project("other"))
    for path in ("/webhooks", "/schedules"):
        assert limited.get(path).json == {"data": [], "nextCursor": None}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/webhooks", "7"),
        ("/webhooks", '["GET","orders"]'),
        ("/webhooks", '["GET","orders\\u0000",""]'),
        ("/schedules", '["yesterday","w","n",0]'),
        ("/schedules", '["2026-01-01T00:00:00Z","w","n",-1]'),
        ("/schedules", '["2026-01-01T00:00:00Z","w","n",true]'),
        ("/schedules", '["0001-01-01T00:00:00+14:00","w","n",0]'),
        ("/api-keys", "x"),
        ("/executions/retryMany", "0"),
        ("/executions/delete", "9" * 30),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(api, path: str, place: str) -> None:
    cursor = overview.SCHEDULES.next_cursor({"limit": 1}, place)
    answer = api.get(f"{path}?cursor={cursor}")
    assert (answer.status_code, answer.json["message"]) == (400, "An invalid cursor was provided")


def test_keys_are_listed_without_what_is_secret(api) -> None:
    api.with_key("of another", "tag:list", project_id=api.project("other"))
    listed = pages(api, "/api-keys")
    assert (listed[-1]["scopes"], listed[-1]["projectId"]) == (["tag:list"], "other")
    assert not any("sha" in name.lower() for key in listed for name in key)
    api.db.execute("UPDATE api_keys SET revoked_at = now() WHERE project_id = 'other'")
    api.db.commit()
    assert [key["id"] for key in api.get("/api-keys").json["data"]] == [key["id"] for key in listed[:-1]]


def test_sizes_are_told(api) -> None:
    storage = api.get("/storage").json
    assert storage["sizeBytes"] > sum(table["sizeBytes"] for table in storage["tables"][:3]) > 0


def test_the_doctor_says_the_same_to_everybody(api, monkeypatch) -> None:
    findings = [SimpleNamespace(subject="clock", state="fine", advice=None)]
    app = api.client.application
    monkeypatch.setitem(app.extensions, overview.EXAMINATION, lambda: iter(findings))
    assert api.get("/doctor").json == {"healthy": True, "findings": [vars(findings[0])]}
    findings.append(SimpleNamespace(subject="disk", state="full", advice="make room"))
    assert api.get("/doctor").json["healthy"] is False


def test_no_more_than_two_examinations_go_on_at_once(api, monkeypatch) -> None:
    answers = []

    def look_over():
        if len(answers) < 3:
            answers.append(None)
            answers.append(api.get("/doctor"))
        yield from ()

    monkeypatch.setitem(api.client.application.extensions, overview.EXAMINATION, look_over)
    assert api.get("/doctor").status_code == 200
    refused = next(answer for answer in answers if answer is not None)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
