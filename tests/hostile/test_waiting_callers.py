"""Callers that wait for their workflow, many more than there are threads: they keep nobody else waiting."""

import http.client
import json
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from app.repository.connection import connect
from app.repository.triggers import answer_now
from tests import live
from tests.api.webhooks.conftest import Site, webhook
from tests.api.webhooks.test_mcp import served
from tests.live import KEY, LiveServer
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.workflows import no_op

pytestmark = pytest.mark.slow

MANY = 300
THREADS = 4
LIMIT = 3


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """An API with few threads. No worker: the tests say when a workflow answers, in the place of one."""
    with started(database_url, tmp_path) as site:
        yield site


@contextmanager
def started(database_url: str, home: Path, **more: Any) -> Iterator[Site]:
    own = {"EXECUTIONS_HTTP_THREADS": THREADS, "EXECUTIONS_POOL_SIZE": 2, "EXECUTIONS_ENCRYPTION_KEY": "k"}
    server = live.start_server(database_url, home, **(own | more))
    try:
        yield Site(server, database_url)
    finally:
        server.child.stop()


class Callers:
    """Connections on which one call each waits for its answer."""

    def __init__(self, server: LiveServer, stack: ExitStack) -> None:
        self._address = urlsplit(server.url)
        self._stack = stack
        self.sockets: list[socket.socket] = []

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> socket.socket:
        """Send a call, and do not wait for its answer."""
        where = (str(self._address.hostname), int(self._address.port or 0))
        client = self._stack.enter_context(socket.create_connection(where, timeout=PATIENCE_SECONDS))
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"Host": "x", "X-N8N-API-KEY": KEY, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: {len(content)}\r\n\r\n"
        client.sendall(head.encode() + content)
        self.sockets.append(client)
        return client

    def nobody_has_an_answer(self) -> bool:
        poll = select.poll()
        for client in self.sockets:
            poll.register(client, select.POLLIN)
        return not poll.poll(0)


@pytest.fixture
def callers(site: Site) -> Iterator[Callers]:
    with ExitStack() as stack:
        yield Callers(site.server, stack)


def answer_of(client: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers with names in lower case, and body."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, {n.lower(): v for n, v in answer.getheaders()}, json.loads(answer.read())


def queued(site: Site, number: int) -> list[int]:
    """The ids of all executions, once there are so many."""

    def found() -> list[int]:
        return [row[0] for row in site.query("SELECT id FROM executions ORDER BY id")]

    wait_until(lambda: len(found()) >= number, lambda: len(found()), pause=0.1)
    return found()


def say(site: Site, execution_id: int, body: Any) -> None:
    """Answer a call as a worker does whose workflow has come to its answer."""
    with connect(site.database_url) as connection:
        answer_now(connection, execution_id, json.dumps({"body": body}, separators=(",", ":")).encode())


def end(site: Site, ids: list[int]) -> None:
    """End executions as a worker that could not tell anybody."""
    site.query("UPDATE executions SET status = 'canceled', stopped_at = now() WHERE id = ANY(%s) RETURNING 1", ids)


def others_are_answered(site: Site) -> None:
    for _ in range(2 * THREADS):
        assert site.server.get("/healthz").status == 200
        assert site.server.get("/api/v1/executions?limit=5").status == 200


def test_webhook_callers_hold_no_thread(site: Site, callers: Callers) -> None:
    hook = site.add(webhook(), no_op())
    for _ in range(MANY):
        callers.call("GET", f"/webhook/{hook.path}", Origin="http://other.example")
    ids = queued(site, MANY)
    others_are_answered(site)
    assert callers.nobody_has_an_answer()
    with connect(site.database_url) as connection:
        for number in ids:
            answer_now(connection, number, json.dumps({"body": {"id": number}}).encode())
    answers = [answer_of(client) for client in callers.sockets]
    assert sorted(body["id"] for _, _, body in answers) == ids
    for status, headers, _ in answers:
        assert status == 200
        assert headers["access-control-allow-origin"] == "http://other.example"
        assert headers["x-content-type-options"] == "nosniff"
    lines = [json.loads(line) for line in site.server.child.log.read_text().splitlines() if '"/webhook/' in line]
    assert len(lines) == MANY  # one for each call, however often it was looked at
    assert len({line["request_id"] for line in lines}) == MANY
    assert {line["request_id"] for line in lines} == {headers["x-request-id"] for _, headers, _ in answers}


def test_runs_that_are_waited_for_hold_no_thread(site: Site, callers: Callers) -> None:
    workflow_id = site.add(webhook(), no_op()).workflow_id
    for number in range(MANY):
        key = {"Idempotency_Key": f"k{number}"}
        callers.call("POST", f"/api/v1/workflows/{workflow_id}/run", {"wait": 60}, **key)
    ids = queued(site, MANY)
    others_are_answered(site)
    assert callers.nobody_has_an_answer()
    end(site, ids)  # nobody is notified: they are looked for
    answers = [answer_of(client) for client in callers.sockets]
    assert sorted(int(body["id"]) for _, _, body in answers) == ids
    assert {(status, body["status"]) for status, _, body in answers} == {(200, "canceled")}
    again = callers.call("POST", f"/api/v1/workflows/{workflow_id}/run", {"wait": 60}, Idempotency_Key="k0")
    assert answer_of(again)[2] == answers[0][2]


def test_whoever_has_waited_long_enough_is_told_how_it_stands(site: Site, callers: Callers) -> None:
    workflow_id = site.add(webhook(), no_op()).workflow_id
    short = callers.call("POST", f"/api/v1/workflows/{workflow_id}/run", {"wait": 1})
    status, _, body = answer_of(short)
    assert (status, body["status"]) == (200, "new")


def test_a_connection_goes_on_after_its_answer(site: Site, callers: Callers) -> None:
    hook = site.add(webhook(), no_op())
    client = callers.call("GET", f"/webhook/{hook.path}")
    [number] = queued(site, 1)
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # behind the one that waits
    others_are_answered(site)
    assert callers.nobody_has_an_answer()
    say(site, number, {"first": True})
    text = b""
    while b'{"status":"ok"}' not in text:
        data = client.recv(2**16)
        assert data, text
        text += data
    assert text.index(b'{"first":true}') < text.index(b'{"status":"ok"}')


def gone(site: Site) -> int:
    return site.server.child.log.read_text().count('"client gone"')


def test_a_caller_that_goes_away_is_forgotten(database_url: str, tmp_path: Path) -> None:
    few = {"application": "tests.hostile.few_places:app"}
    with started(database_url, tmp_path, **few) as site, ExitStack() as stack:
        callers = Callers(site.server, stack)
        hook = site.add(webhook(), no_op())
        first = [callers.call("GET", f"/webhook/{hook.path}") for _ in range(LIMIT)]
        queued(site, LIMIT)

        def refused() -> bool:
            """Whether there is no place left; looked for with a call that has no time to wait."""
            run = f"/api/v1/workflows/{hook.workflow_id}/run"
            answer = site.server.post(run, {"wait": 0.01})
            if answer.status == 503:
                assert answer.headers["Retry-After"] == "1"
            return bool(answer.status == 503)

        wait_until(refused, pause=0.05)
        before = site.query("SELECT count(*) FROM executions")
        assert site.call("GET", hook.path).status == 503
        assert site.query("SELECT count(*) FROM executions") == before  # refused before anything was started
        others_are_answered(site)
        for client in first:
            client.close()
        wait_until(lambda: gone(site) == LIMIT, pause=0.05)
        assert not refused()


def test_a_server_that_stops_tells_whoever_still_waits(site: Site, callers: Callers) -> None:
    hook = site.add(webhook(), no_op())
    call, late = (callers.call("GET", f"/webhook/{hook.path}") for _ in range(2))
    run = callers.call("POST", f"/api/v1/workflows/{hook.workflow_id}/run", {"wait": 60})
    _, path = served(site)
    asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "Fails"}}
    tool = callers.call("POST", f"/mcp/{path}", asked)
    ids = queued(site, 4)
    site.server.child.ask_to_stop()
    say(site, ids[0], {"in": "time"})
    answers = [answer_of(client) for client in (call, late, run)]
    assert {status for status, _, _ in answers} == {200, 504}
    status, _, told = answer_of(tool)
    assert (status, told["id"], told["result"]["isError"]) == (200, 7, True), "a client of MCP reads no other answer"
    assert "it goes on as execution" in told["result"]["content"][0]["text"]


def test_alive_is_answered_when_the_database_keeps_every_thread(site: Site, connect: Callable[..., Any]) -> None:
    lock: psycopg.Connection = connect()
    lock.execute("LOCK TABLE tags")
    with ExitStack() as stack:
        callers = Callers(site.server, stack)
        for number in range(3 * THREADS):
            callers.call("POST", "/api/v1/tags", {"name": f"t{number}"})
        for _ in range(2 * THREADS):
            assert site.server.get("/healthz").status == 200
            assert site.server.get("/healthz?x=1").status == 200
        assert callers.nobody_has_an_answer()
        lock.rollback()
        assert {answer_of(client)[0] for client in callers.sockets} <= {201, 503}
