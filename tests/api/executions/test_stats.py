"""GET /executions/stats: what ended, by time and by group, within what a key may see."""

from datetime import UTC, datetime, timedelta

import pytest

STATS = "/executions/stats"


@pytest.fixture
def two_projects(api):
    """Three successes and an error here, an error in another project."""
    here = api.workflow(workflow_id="here")
    there = api.workflow(api.project("other"), "there")
    for status in ("success", "success", "success", "error", "canceled"):
        api.ended(here, status)
    api.ended(there, "error")
    api.queue(here)
    return api


def test_it_counts_by_time_and_in_all(two_projects):
    answer = two_projects.get(f"{STATS}?interval=5m").json
    assert answer["interval"] == "5m"
    assert answer["total"]["statuses"] == {"success": 3, "error": 2, "canceled": 1}
    assert (answer["total"]["count"], answer["total"]["successRate"]) == (6, 0.6)
    assert 0 < answer["total"]["durations"]["p50"] <= answer["total"]["durations"]["p95"]
    assert len(answer["buckets"]) in (288, 289)
    assert sum(bucket["count"] for bucket in answer["buckets"]) == 6
    assert answer["buckets"][0] == {
        "time": answer["begin"],
        "count": 0,
        "statuses": {},
        "successRate": None,
        "durations": None,
    }


def test_filters_and_groups(two_projects):
    def groups(query: str) -> dict[str, int]:
        [key] = {"workflow": ["workflowId"]}.get(query.split("&")[0].split("=")[1], [query.split("&")[0].split("=")[1]])
        return {group[key]: group["count"] for group in two_projects.get(f"{STATS}?{query}").json["groups"]}

    assert groups("groupBy=workflow") == {"here": 5, "there": 1}
    assert groups("groupBy=workflow&status=success&status=canceled") == {"here": 4}
    assert groups("groupBy=workflow&projectId=other&workflowId=here&workflowId=nothing") == {"here": 0}
    assert groups("groupBy=status&workflowId=here") == {"success": 3, "error": 1, "canceled": 1}
    assert groups("groupBy=mode&status=unknown") == {}


def test_the_last_runs_of_each_workflow(two_projects):
    first = two_projects.get(f"{STATS}?groupBy=workflow&lastRuns=3").json["groups"][0]
    assert (first["workflowId"], first["workflowName"]) == ("here", "Customer Onboarding")
    assert [run["status"] for run in first["lastRuns"]] == ["new", "canceled", "error"]
    assert first["lastRuns"][0]["stoppedAt"] is None


def test_a_key_sees_its_own_project_only(two_projects):
    limited = two_projects.with_key("limited", "execution:list", project_id="other")
    answer = limited.get(f"{STATS}?groupBy=workflow&lastRuns=5&workflowId=here&workflowId=there").json
    assert answer["total"]["count"] == 1
    [group] = [group for group in answer["groups"] if group["workflowName"] is not None]
    assert (group["workflowId"], len(group["lastRuns"])) == ("there", 1)
    assert len(answer["groups"]) == 1


def test_the_interval_fits_the_span(api):
    now = datetime.now(UTC)

    def interval(**span: float) -> str:
        after = (now - timedelta(**span)).isoformat().replace("+00:00", "Z")
        return api.get(f"{STATS}?endedAfter={after}").json["interval"]

    spans = [{"hours": 1}, {"hours": 6}, {"days": 1}, {"days": 4}, {"days": 29}, {"days": 100}, {"days": 700}]
    assert [interval(**span) for span in spans] == ["1m", "5m", "15m", "1h", "6h", "1d", "7d"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("interval=2h", "interval"),
        ("interval=1m&endedAfter=2020-01-01", "interval"),
        ("interval=1d&endedAfter=2000-01-01", "interval"),
        ("endedAfter=2030-01-02&endedBefore=2030-01-01", "endedAfter"),
        ("endedAfter=0001-01-01", "endedAfter"),
        ("endedBefore=9999-12-31T23:59:59Z", "endedBefore"),
        ("status=nothing", "status"),
        ("groupBy=tag", "groupBy"),
        ("lastRuns=5", "lastRuns"),
        ("lastRuns=51&groupBy=workflow", "lastRuns"),
    ],
)
def test_what_cannot_be_is_400(api, query, field):
    response = api.get(f"{STATS}?{query}")
    assert (response.status_code, list(response.json["errors"])) == (400, [field])
