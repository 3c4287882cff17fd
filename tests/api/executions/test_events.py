"""GET /executions/events without a server that can go on: what has happened since a moment, and then the end.

What a watcher is told while its connection stays open is tried in test_events_live.py.
"""

import json

import pytest

from app.api.face.watchers import Watcher, tell
from app.repository import execution_events
from app.repository.execution_events import Look, Moment
from app.repository.execution_filters import ExecutionFilter

EVENTS = "/executions/events"


def events(api, query: str = "", since: str | None = None) -> list[tuple[str, dict]]:
    """Names and contents of events."""
    headers = {} if since is None else {"Last-Event-ID": since}
    response = api.get(f"{EVENTS}{query}", headers=headers)
    assert (response.status_code, response.content_type.partition(";")[0]) == (200, "text/event-stream")
    return [(event["event"], json.loads(event["data"])) for event in parsed(response.text) if "event" in event]


def parsed(text: str) -> list[dict[str, str]]:
    return [
        dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":") for block in text.split("\n\n")[:-1]
    ]


def moment(api) -> str:
    [ready] = [event for event in parsed(api.get(EVENTS).text) if event.get("event") == "ready"]
    return ready["id"]


def changes(events: list[tuple[str, dict]]) -> list[tuple[str, str]]:
    return [(data["change"], data["execution"]["id"]) for name, data in events if name == "execution"]


def test_each_change_is_told_with_the_execution(api, workflow):
    since = moment(api)
    ended, queued = api.ended(workflow), api.queue(workflow)
    [_, (_, told), ready] = events(api, since=since)
    assert (told["change"], told["execution"]) == ("queued", api.get(f"/executions/{queued}").json)
    assert ready[0] == "ready"
    assert changes(events(api, since=since)) == [("ended", str(ended)), ("queued", str(queued))]
    later = moment(api)
    assert changes(events(api, since=later)) == [("queued", str(queued))], "what is still queued may be told again"
    api.finish(queued, "waiting")
    api.post(f"/executions/{api.queue(workflow)}/stop")
    api.queue(workflow)
    api.claim()
    assert [change for change, _ in changes(events(api, since=later))] == ["waiting", "ended", "started"]


def test_filters_and_projects(api, workflow):
    other = api.workflow(api.project("other"), "there")
    since = moment(api)
    here, failed, there = api.ended(workflow), api.ended(workflow, "error"), api.ended(other)
    told = {
        query: {number for _, number in changes(events(api, query, since))}
        for query in ("", "?status=error", "?status=running", "?workflowId=there", "?projectId=default&mode=manual")
    }
    every = {str(number) for number in (here, failed, there)}
    assert told == {
        "": every,
        "?status=error": {str(failed)},
        "?status=running": every,
        "?workflowId=there": {str(there)},
        "?projectId=default&mode=manual": {str(here), str(failed)},
    }
    limited = api.with_key("limited", "execution:list", project_id="other")
    assert changes(events(limited, since=since)) == [("ended", str(there))]


@pytest.mark.parametrize("since", ["1.1:1:", "99999999999.1:1:", "5.9:2:", "1.99999999999999999999:1:,"])
def test_a_moment_that_nobody_knows_is_to_read_again(api, since):
    api.get(EVENTS)
    assert [name for name, _ in events(api, since=since)] == ["reload", "ready"]


def test_very_much_is_to_read_again(api, workflow, monkeypatch):
    monkeypatch.setattr(execution_events, "MAX_SEEN", 2)
    since = moment(api)
    for _ in range(3):
        api.queue(workflow)
    assert [name for name, _ in events(api, since=since)] == ["reload", "ready"]
    since = moment(api)
    monkeypatch.setattr(execution_events, "MAX_NOTED", 2)
    api.post("/executions/stopMany", {"filter": {"status": ["queued"]}})
    assert [name for name, _ in events(api, since=since)] == ["reload", "ready"]


def test_nothing_is_noted_while_nobody_watches(api, workflow):
    api.ended(workflow)
    assert api.db.execute("SELECT count(*) FROM execution_events").fetchone() == (0,)
    moment(api)
    api.db.execute("UPDATE execution_watch SET until = now()")
    api.ended(workflow)
    assert api.db.execute("SELECT count(*) FROM execution_events").fetchone() == (0,)


@pytest.mark.parametrize(
    "query", ["?status=nothing", "?metadataValue=x", "?startedAfter=x", "?metadataKey=%00", "?tag=%00"]
)
def test_what_cannot_be_is_400(api, query):
    assert api.get(f"{EVENTS}{query}").status_code == 400


def test_what_nobody_can_look_for_ends_those_alone_who_want_it(api, workflow):
    told, ended = [], []

    def watcher(**wanted) -> Watcher:
        made = Watcher(None, ExecutionFilter(**wanted), None, None)
        made.send, made.end = told.append, lambda: ended.append(made)
        return made

    broken = watcher(metadata_key="\x00")
    tell(api.db, [broken, watcher()], Look(Moment("1:1:", 1), (api.queue(workflow),)))
    assert (ended, len(told)) == ([broken], 1)
