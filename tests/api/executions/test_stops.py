"""Stopping executions: one, and all that match."""

from datetime import UTC, datetime, timedelta

import pytest

from app.vocabulary import STATUSES


@pytest.mark.parametrize("status", STATUSES)
def test_stop(api, each, status):
    response = api.post(f"/executions/{each[status]}/stop")
    if status in ("new", "running", "waiting"):
        assert response.status_code == 200
        assert response.json["status"] == "canceled"
        assert response.json["stoppedAt"] is not None
        assert response.json["finished"] is False
        assert api.status(each[status]) == "canceled"
    else:
        assert response.status_code == 409
        assert status in response.json["message"]
        assert api.status(each[status]) == status


def test_what_ran_before_a_stop_stays_readable(api, each):
    body = api.post(f"/executions/{each['waiting']}/stop").json
    assert api.get(f"/executions/{body['id']}?includeData=true").json["data"] == {"resultData": {"runData": {}}}


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    ("statuses", "stopped"),
    [
        (["running"], {"running"}),
        (["queued"], {"new"}),
        (["running", "waiting", "queued"], {"running", "waiting", "new"}),
    ],
)
def test_stop_many(api, each, wrapped, statuses, stopped):
    wanted = {"status": statuses}
    path, body = ("/executions/stopMany", {"filter": wanted}) if wrapped else ("/executions/stop", wanted)
    response = api.post(path, body)
    assert (response.status_code, response.json["stopped"]) == (200, len(stopped))
    listed = api.get(f"/executions?touchedBy={response.json['touchedBy']}").json["data"]
    assert {int(one["id"]) for one in listed} == {each[status] for status in stopped}
    now = {name: api.status(number) for name, number in each.items()}
    assert now == {name: "canceled" if name in stopped else name for name in each}


def test_stop_many_by_workflow_and_time(api, each):
    other = api.queue(api.workflow(workflow_id="second"))
    every = ["running", "waiting", "queued"]
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    def stop(**wanted):
        return api.post("/executions/stopMany", {"filter": {"status": every, **wanted}}).json["stopped"]

    assert stop(workflowId="nothing") == 0
    assert stop(startedAfter=soon) == 0
    assert stop(tag=["nothing"]) == stop(ids=["nothing", str(each["success"])]) == 0
    assert stop(ids=["nothing"]) == 0
    assert stop(ids=[str(other), str(each["success"])], workflowId="first") == 0
    assert stop(workflowId="first", startedBefore=soon) == 2
    assert stop(workflowId="second") == 1
    assert api.status(other) == "canceled"
    assert stop(workflowId="all") == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {}},
        {"filter": {"status": []}},
        {"filter": {"status": ["success"]}},
        {"filter": {"status": "running"}},
        {"filter": {"status": ["running"], "other": 1}},
        {"filter": {"status": ["running"], "startedAfter": "soon"}},
        {"filter": {"status": ["running"], "workflowId": ""}},
        {"filter": ["running"]},
        {"filter": {"status": ["running"]}, "status": ["running"]},
    ],
)
def test_stop_many_needs_a_filter_that_says_something(api, each, body):
    response = api.post("/executions/stopMany", body)
    assert response.status_code == 400
    assert "filter" in response.json["errors"] or "status" in response.json["errors"]
    assert api.status(each["running"]) == "running"
