"""An n8n that is read over its API while it goes on: what has not ended, or is too large, comes with a later pass."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from tests.importing import n8n

ORDERS = n8n.WORKFLOWS["Move: orders"]
WORKFLOW = next(each for each in n8n.exported_workflows() if each["id"] == ORDERS)


class Api(ThreadingHTTPServer):
    """n8n's public API as far as a move asks it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.executions: dict[int, dict] = {}
        self.other: dict[str, object] = {}
        """Other answers by path."""

    @property
    def address(self) -> str:
        return f"http://user:hidden@127.0.0.1:{self.server_port}"

    def add(self, number: int, status: str) -> None:
        at = f"2026-11-28T10:00:{number:02}.000Z"
        self.executions[number] = {
            "id": str(number),
            "workflowId": ORDERS,
            "status": status,
            "mode": "manual",
            "startedAt": at,
            "stoppedAt": None if status == "running" else at,
            "waitTill": "2030-01-01T00:00:00.000Z" if status == "waiting" else None,
            "data": {"resultData": {"runData": {}}},
        }

    def answer(self, path: str, query: dict[str, list[str]]) -> object:
        if path in self.other:
            return self.other[path]
        if path == "/api/v1/workflows":
            return {"data": [WORKFLOW], "nextCursor": None}
        if path == "/api/v1/executions":
            (status,) = query.get("status", [None])
            rows = [self.executions[number] for number in sorted(self.executions, reverse=True)]
            wanted = [row for row in rows if row["status"] == status or (status is None and row["status"] != "running")]
            return {"data": wanted, "nextCursor": None}
        if path.startswith("/api/v1/executions/"):
            return self.executions.get(int(path.rsplit("/", 1)[1]))
        return {"data": [], "nextCursor": None}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        answer = self.server.answer(address.path, parse_qs(address.query))
        content = json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_what_runs_or_waits_at_the_api_comes_again_when_it_has_ended(bring, target, api):
    access = Access(api_key="a key")
    for number, status in ((1, "success"), (2, "running"), (3, "waiting"), (4, "success")):
        api.add(number, status)
    report = bring(api.address, access=access)
    assert n8n.statuses(target) == {1: "success", 3: "waiting", 4: "success"}
    assert "hidden" not in json.dumps(report.to_json())
    for number in (2, 3, 5):
        api.add(number, "success")
    bring(api.address, access=access)
    assert n8n.statuses(target) == dict.fromkeys((1, 2, 3, 4, 5), "success")
    assert target.execute("SELECT count(*) FROM imported_waits").fetchone() == (0,)


def test_what_is_too_large_at_the_api_comes_with_a_higher_bound(bring, target, api):
    for number in (1, 2, 3):
        api.add(number, "success")
    api.executions[2]["data"]["resultData"]["note"] = "x" * 1000
    report = bring(api.address, access=Access(api_key="a key", most_bytes=500), most_bytes=500)
    assert [*report.losses.values()] == [[2]]
    assert report.counts["executions"] == {"created": 3}
    bring(api.address, access=Access(api_key="a key", most_bytes=500), most_bytes=500)
    size = "SELECT json_size_bytes FROM executions WHERE id = 2"
    assert n8n.one(target, size) == (0,)
    bring(api.address, access=Access(api_key="a key"))
    assert n8n.one(target, size)[0] > 1000


@pytest.mark.parametrize("answer", [{"data": [1]}, {"data": [{"name": "no id"}]}, {"data": 5}, [], "text"])
def test_an_api_of_something_else_is_told(bring, api, answer):
    api.other["/api/v1/workflows"] = answer
    with pytest.raises(SourceError, match="n8n"):
        bring(api.address, access=Access(api_key="a key"))


@pytest.mark.parametrize("key", ["two\nlines", "s\xe9cret"])
def test_a_key_that_is_none_is_told_and_not_shown(bring, api, key):
    with pytest.raises(SourceError) as raised:
        bring(api.address, access=Access(api_key=key))
    assert key not in str(raised.value)
