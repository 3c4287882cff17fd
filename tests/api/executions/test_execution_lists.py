"""GET /executions: order, pages, filters and counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from app.repository import annotations
from app.repository.execution_counts import Count
from app.repository.execution_pages import read_page
from app.schemas.cursors import Cursor, encode_cursor


def ids(response) -> list[int]:
    assert response.status_code == 200, response.json
    return [int(execution["id"]) for execution in response.json["data"]]


def listed(api, **query) -> list[int]:
    return ids(api.get(f"/executions?{urlencode(query, doseq=True)}"))


@pytest.fixture
def workflow(api):
    return api.workflow(workflow_id="first")


@pytest.fixture
def five(api, workflow):
    return [api.ended(workflow) for _ in range(5)]


def test_an_empty_list(api):
    assert api.get("/executions").json == {
        "data": [],
        "count": 0,
        "estimated": False,
        "concurrentExecutionsCount": 0,
        "nextCursor": None,
    }


def test_newest_first_with_everything_in_the_envelope(api, workflow, five):
    running = api.queue(workflow)
    api.claim()
    body = api.get("/executions").json
    assert [int(e["id"]) for e in body["data"]] == [running, *reversed(five)]
    assert list(body) == ["data", "count", "estimated", "concurrentExecutionsCount", "nextCursor"]
    assert (body["count"], body["estimated"], body["concurrentExecutionsCount"]) == (6, False, 1)
    assert body["nextCursor"] is None


def test_what_it_was_about_is_shown_to_who_may_read_it(api, workflow):
    number = api.ended(workflow, input_preview=b'{"order.id":7}')
    lists_only = api.with_key("lists", "execution:list", "execution:update")
    for reader, redact, shown in (
        (api, "", {"order.id": 7}),
        (api, "&redactExecutionData=true", None),
        (lists_only, "", None),
    ):
        for data in ("false", "true"):
            (listed,) = reader.get(f"/executions?includeData={data}{redact}").json["data"]
            assert listed["inputPreview"] == shown
    assert api.get(f"/executions/{number}").json["inputPreview"] == {"order.id": 7}
    assert lists_only.patch(f"/executions/{number}", {"annotation": {"vote": "up"}}).json["inputPreview"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_the_cursor_walks_over_all_of_them_once(api, five, limit):
    seen, cursor = [], ""
    while True:
        response = api.get(f"/executions?limit={limit}" if not cursor else f"/executions?cursor={cursor}")
        page = ids(response)
        assert len(page) <= limit
        assert response.json["count"] == 5
        seen += page
        cursor = response.json["nextCursor"]
        if cursor is None:
            break
    assert seen == five[::-1]


def test_the_cursor_is_the_documented_text(api, five):
    assert api.get("/executions?limit=2").json["nextCursor"] == encode_cursor(Cursor(str(five[3]), 2))


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "1e2", "100.0.0", ".0", "9" * 5000])
def test_a_limit_outside_is_refused(api, limit):
    response = api.get(f"/executions?limit={limit}")
    assert response.status_code == 400
    assert list(response.json["errors"]) == ["limit"]


def test_limits_inside_are_taken_and_the_default_is_100(api, workflow):
    for _ in range(101):
        api.queue(workflow)
    assert len(listed(api)) == 100
    assert len(listed(api, limit=250)) == 101
    assert len(listed(api, limit=1)) == 1
    for beyond in ("251", "1000", "999999999999999999999", "250.0", "300.00"):
        assert len(listed(api, limit=beyond)) == 101
    assert len(listed(api, limit="2.0")) == 2


def test_last_id_starts_after_it_even_when_it_is_gone(api, five):
    api.delete(f"/executions/{five[2]}")
    assert listed(api, lastId=five[2]) == [five[1], five[0]]
    assert listed(api, lastId=2**62) == [five[4], five[3], five[1], five[0]]


@pytest.mark.parametrize("last_id", ["0", "-1", "+1", "exec_123", "1.0", "9" * 30, "٣", "01"])
def test_a_last_id_that_is_none_is_refused(api, last_id):
    response = api.get(f"/executions?lastId={quote(last_id)}")
    assert response.status_code == 400
    assert list(response.json["errors"]) == ["lastId"]


def test_new_executions_do_not_shift_the_pages(api, workflow, five):
    first = api.get("/executions?limit=2").json
    api.queue(workflow)
    assert listed(api, cursor=first["nextCursor"]) == [five[2], five[1]]


@pytest.fixture
def mixed(api, workflow):
    """One execution of each kind, by name."""
    other = api.workflow(api.project("other"), "second", name="Other")
    made = {
        "success": api.ended(workflow, metadata=(("customer", "42"), ("plan", "pro"))),
        "error": api.ended(workflow, "error", metadata=(("customer", "43"),)),
        "canceled": api.ended(other, "canceled"),
        "other": api.ended(other),
    }
    made["retry"] = int(api.post(f"/executions/{made['error']}/retry").json["id"])
    api.finish(made["retry"], "waiting")
    made["running"] = api.queue(workflow, "webhook")
    api.claim()
    made["new"] = api.queue(workflow, "trigger")
    annotations.set_tags(api.db, made["success"], ["good", "seen"])
    annotations.set_tags(api.db, made["error"], ["seen"])
    annotations.set_vote(api.db, made["success"], "up")
    annotations.set_vote(api.db, made["error"], "down")
    api.db.commit()
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "success"}, {"success", "other"}),
        ({"status": ["error", "canceled"]}, {"error", "canceled"}),
        ({"status": "new"}, {"new"}),
        ({"status": "running"}, {"running"}),
        ({"status": "waiting"}, {"retry"}),
        ({"status": "crashed"}, set()),
        ({"mode": "webhook"}, {"running"}),
        ({"mode": ["retry", "trigger"]}, {"retry", "new"}),
        ({"workflowId": "second"}, {"canceled", "other"}),
        ({"workflowId": ["second", "first"], "status": "success"}, {"success", "other"}),
        ({"workflowId": "nothing"}, set()),
        ({"projectId": "other"}, {"canceled", "other"}),
        ({"projectId": "default", "status": "error"}, {"error"}),
        ({"tag": "seen"}, {"success", "error"}),
        ({"tag": ["good", "none"]}, {"success"}),
        ({"vote": "up"}, {"success"}),
        ({"vote": ["up", "down"]}, {"success", "error"}),
        ({"metadataKey": "customer"}, {"success", "error"}),
        ({"metadataKey": "customer", "metadataValue": "43"}, {"error"}),
        ({"metadataKey": "plan", "metadataValue": "42"}, set()),
        ({"status": "error", "vote": "up"}, set()),
    ],
)
def test_filters(api, mixed, query, expected):
    page = listed(api, **query)
    assert page == sorted((mixed[name] for name in expected), reverse=True)
    assert api.get(f"/executions?{urlencode(query, doseq=True)}").json["count"] == len(expected)


def test_retry_of(api, mixed):
    assert listed(api, retryOf=mixed["error"]) == [mixed["retry"]]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "foo"},
        {"status": ["success", "queued"]},
        {"mode": "foo"},
        {"vote": "sideways"},
        {"retryOf": "exec_1"},
        {"problem": "x"},
        {"metadataValue": "1"},
        {"startedAfter": "yesterday"},
        {"startedBefore": "2024-13-01"},
        {"startedBefore": "0001-01-01T00:00:00+14:00"},
        {"includeData": "maybe"},
        {"includeData": ["true", "true"]},
        {"startedAfter": ["2024-01-01", "2024-01-01"]},
    ],
)
def test_filters_that_say_nothing_are_refused(api, query):
    response = api.get(f"/executions?{urlencode(query, doseq=True)}")
    assert response.status_code == 400
    assert response.json["errors"].keys() <= query.keys()


def test_each_filter_says_of_what_it_wants_the_id(api):
    said = api.get("/executions?id=x&retryOf=0&problem=-1").json["errors"]
    words = {name: said[name]["0"] for name in ("id", "retryOf", "problem")}
    assert words == {
        "id": ["Not the id of an execution."],
        "retryOf": ["Not the id of an execution."],
        "problem": ["Not the id of a problem."],
    }


@pytest.mark.parametrize("text", ["2024-02-19T10:30:00\x00Z", "\x00"])
def test_a_nul_in_a_filter_is_refused_or_matches_nothing(api, text):
    assert api.get(f"/executions?workflowId={quote(text)}").status_code == 400


def test_times_are_compared_in_utc_whatever_their_offset(api, workflow):
    number = api.ended(workflow)
    noon = datetime(2024, 2, 19, 12, 0, tzinfo=UTC)
    api.db.execute(
        "UPDATE executions SET created_at = %s, started_at = %s, stopped_at = %s",
        [noon, noon, noon + timedelta(seconds=1)],
    )
    api.db.commit()
    for text, matches in [
        ("2024-02-19T11:59:59", True),
        ("2024-02-19T12:00:00", False),
        ("2024-02-19T11:59:59.999Z", True),
        ("2024-02-19T13:59:59+02:00", True),
        ("2024-02-19T13:59:59%2B02:00", True),
        ("2024-02-19T14:00:01%2B02:00", False),
        ("2024-02-19", True),
        ("2024-02-20", False),
    ]:
        assert ids(api.get(f"/executions?startedAfter={text}")) == ([number] if matches else []), text
    assert listed(api, startedBefore="2024-02-19T12:00:01Z") == [number]
    assert listed(api, startedBefore="2024-02-19T12:00:00Z") == []


def test_a_filtered_list_goes_on_by_its_cursor_alone(api, workflow, mixed):
    more = [api.ended(workflow, "error") for _ in range(3)]
    query = {
        "status": ["error", "success"],
        "workflowId": "first",
        "startedAfter": "2020-01-01T00:00:00+01:00",
        "limit": 2,
    }
    first = api.get(f"/executions?{urlencode(query, doseq=True)}").json
    assert [int(e["id"]) for e in first["data"]] == [more[2], more[1]]
    second = api.get(f"/executions?cursor={first['nextCursor']}").json
    assert [int(e["id"]) for e in second["data"]] == [more[0], mixed["error"]]
    assert second["count"] == first["count"] == 5
    third = api.get(f"/executions?cursor={second['nextCursor']}").json
    assert [int(e["id"]) for e in third["data"]] == [mixed["success"]]
    assert third["nextCursor"] is None


def test_what_contradicts_the_cursor_is_refused(api, mixed):
    cursor = api.get("/executions?status=success&status=error&limit=1").json["nextCursor"]
    for agreeing in ("", "&status=error&status=success", "&limit=2", "&includeData=true"):
        assert api.get(f"/executions?cursor={cursor}{agreeing}").status_code == 200, agreeing
    for contradicting in ("&status=error", "&workflowId=first", "&lastId=1", "&metadataKey=x"):
        response = api.get(f"/executions?cursor={cursor}{contradicting}")
        assert response.status_code == 400, contradicting
        assert "Contradicts the cursor" in response.json["message"]


def test_the_querys_limit_wins_over_the_cursors(api, five):
    cursor = api.get("/executions?limit=1").json["nextCursor"]
    page = api.get(f"/executions?cursor={cursor}&limit=3").json
    assert [int(e["id"]) for e in page["data"]] == [five[3], five[2], five[1]]


def test_beyond_ten_thousand_the_count_is_an_estimate(api, five, monkeypatch):
    def read(*args, **options):
        return replace(read_page(*args, **options), count=Count(1_000_000, estimated=True))

    monkeypatch.setattr("app.api.executions.executions.read_page", read)
    body = api.get("/executions?limit=1").json
    assert (body["count"], body["estimated"]) == (1_000_000, True)
