"""An API that answers late, in part, or what n8n does not: what is odd is told, and keeps nothing else back."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, repeat
from threading import Event
from urllib.parse import parse_qs

import httpx
import pytest

from app.importing.n8n import api_client
from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from app.importing.n8n.wire import Wire
from tests.importing import n8n

WORKFLOW = n8n.exported_workflows()[0]
KEY = Access(api_key="a key")
ADDRESS = "http://n8n.example.com"
EMPTY = {"data": [], "nextCursor": None}
LONG = "".join(map(chr, range(0x4E00, 0x8000)))
"""No index holds it, however it is compressed."""


@pytest.fixture
def answers(monkeypatch) -> Callable[..., list[str]]:
    """An API that answers with what `of(path, query)` gives: a status, or a document; returns what it is asked."""

    def start(of) -> list[str]:
        asked: list[str] = []

        def send(self, request, **kwargs):
            asked.append(request.url.path)
            query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
            found = of(request.url.path.removeprefix("/api/v1"), query)
            if isinstance(found, int):
                return httpx.Response(found, headers={"Retry-After": "0"}, json={}, request=request)
            return httpx.Response(200, json=found, request=request)

        monkeypatch.setattr(httpx.Client, "send", send)
        return asked

    monkeypatch.setattr(api_client, "MAX_WAIT", 0)
    return start


HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
NOTHING = b"5\r\n\0\0\0\xff\xff\r\n"
"""A block of deflate that holds nothing."""
TRICKLES = {
    "head": (b"HTTP/1.1 200 OK\r\nX: ", b"x", r"the head of the answer to /tags did not come within 0\.1 seconds"),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x", "of /tags fewer than 1024 bytes came a second"),
    "nothing": (
        HEAD + b"a\r\n\x1f\x8b\x08" + bytes(7) + b"\r\n",
        NOTHING,
        "of /tags fewer than 1024 bytes came a second",
    ),
    "trailers": (HEAD + b"0\r\nX: ", b"x", "of /tags fewer than 1024 bytes came a second"),
}


@pytest.mark.parametrize(("begin", "drop", "said"), TRICKLES.values(), ids=TRICKLES.keys())
def test_an_answer_that_trickles_in_is_given_up(begin: bytes, drop: bytes, said: str, monkeypatch) -> None:
    given_up = Event()

    def trickle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(2**16)
            connection.sendall(begin)
            while not given_up.wait(0.005):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: trickle(server.accept()[0]))
        client = api_client.N8nClient(f"http://127.0.0.1:{server.getsockname()[1]}", "key", lambda text: None)
        monkeypatch.setattr(api_client, "SECONDS", 0.1)
        if begin.startswith(b"HTTP/1.1 200 OK\r\nX"):
            monkeypatch.setattr(api_client, "HEAD_SECONDS", 0.1)
        try:
            with pytest.raises(SourceError, match=said):
                client.get("/tags", {}, attempts=1)
        finally:
            given_up.set()
            client.close()


def test_an_answer_that_takes_long_and_comes_fast_enough_is_read() -> None:
    wire = Wire()
    wire._socket, other = socket.socketpair()
    with other, wire.paced(0.3, 1, "x") as count:
        count(1_000)
        time.sleep(0.35)
        other.sendall(b"x")
        assert wire._socket.recv(1) == b"x"
    wire.close()


def test_of_an_answer_no_more_is_kept_than_fits(answers, monkeypatch) -> None:
    monkeypatch.setattr(api_client, "MAX_PAGE_BYTES", len(str(EMPTY)))
    answers(lambda path, query: EMPTY if path == "/tags" else {**EMPTY, "data": [LONG]})
    client = api_client.N8nClient(ADDRESS, "key", lambda text: None)
    assert client.page("/tags", {}) == EMPTY
    with pytest.raises(SourceError, match=r"answers /workflows with more than \d+ bytes"):
        client.page("/workflows", {})


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip, gzip"])
def test_a_coding_whose_packets_may_hold_gigabytes_is_refused(coding: str, monkeypatch) -> None:
    odd = httpx.Response(200, headers={"Content-Encoding": coding}, content=iter([b"{}"]))
    monkeypatch.setattr(httpx.Client, "send", lambda self, request, **kwargs: odd)
    with pytest.raises(SourceError, match="content coding that was not asked for"):
        api_client.N8nClient(ADDRESS, "key", lambda text: None).page("/tags", {})


def workflow(number: int, **odd) -> dict:
    return {**WORKFLOW, "id": f"w{number}", "versionId": None, "activeVersionId": None, "tags": [], **odd}


def execution(number: int, **odd) -> dict:
    at = "2026-11-28T10:00:00.000Z"
    row = {"id": str(number), "workflowId": "w1", "status": "success", "mode": "manual", "createdAt": at}
    return {**row, "startedAt": at, "stoppedAt": at, "data": {"resultData": {"runData": {}}}, **odd}


WORKFLOWS = [
    workflow(1, tags=[{"id": "t1"}, {"name": "x"}, None, 5]),
    workflow(2, name="\u202ea\0\U0001f600" * 100_000, nodes=[{"name": "A", "type": ["x"]}, None], connections=None),
    workflow(3, nodes=[{"name": "A", "typeVersion": 1e300, "credentials": {"a": {"id": [1]}}}], shared=[None, 5]),
    workflow(4, createdAt="+020000-01-01T00:00:00.000Z", staticData="x", pinData=[], activeVersion="x"),
    {"name": "No id"},
    None,
]
TAGS = [{"id": f"t{number}", "name": name} for number, name in enumerate(("PROD", "prod", LONG, "a\0"))]
EXECUTIONS = {
    each["id"]: each
    for each in (
        execution(1, data={"resultData": [1]}, status="error"),
        execution(2, data="[[", customData=[1]),
        execution(3, createdAt="1960-01-01T00:00:00.000Z"),
        execution(4, workflowId=None),
        execution(5, status="waiting", data={"executionData": {"nodeExecutionStack": [{"node": 5}]}}),
        execution(6),
        execution(7, workflowData=5, workflowVersionId="x", customData={LONG: LONG}),
    )
}


def test_one_odd_row_keeps_none_of_the_others_back(bring, target, answers):
    def of(path, query):
        if path == "/executions" and query.get("status") is None:
            rows = [EXECUTIONS[number] for number in sorted(EXECUTIONS, reverse=True)]
            return 500 if query["includeData"] == "true" else {"data": [*rows, None, {"id": "x"}]}
        if found := re.fullmatch("/executions/(.)", path):
            return 500 if found[1] == "6" and "includeData" in query else EXECUTIONS.get(found[1], 404)
        lists = {"/workflows": WORKFLOWS, "/tags": [*TAGS, None, {"id": "t9"}], "/data-tables": [None, {"name": "x"}]}
        return {"data": lists.get(path, []), "nextCursor": None}

    answers(of)
    report = bring(ADDRESS, access=KEY)
    assert {row[0] for row in target.execute("SELECT id FROM workflows")} == {"w1", "w2", "w3", "w4"}
    assert [row[0] for row in target.execute("SELECT id FROM executions ORDER BY id")] == [1, 2, 3, 5, 6]
    assert {row[0] for row in target.execute("SELECT name FROM tags")} == {"PROD", "prod", "a\ufffd"}
    lost = {number: reason for reason, numbers in report.losses.items() for number in numbers}
    assert lost.keys() == {1, 2, 3, 4, 6, 7}
    assert "not laid out" in lost[1]
    assert "answers 500" in lost[6]
    said = json.dumps([report.notes, [each.findings for each in report.workflows]])
    assert all(name in said for name in ("No id", "workflow None", "tag_entity", "data table None", "staticData"))
    assert len(said) < 20_000
    assert target.execute("SELECT execution_id FROM import_leftovers ORDER BY 1").fetchall() == [
        (5,),
        (6,),
    ]  # whose data is asked for again


def test_a_server_that_is_busy_is_asked_again(bring, target, answers):
    busy = iter([429, 503, 500])
    asked = answers(lambda path, query: next(busy, EMPTY))
    bring(ADDRESS, access=KEY, executions=False)
    assert asked.count("/api/v1/workflows") == 4
    answers(lambda path, query: 503)
    with pytest.raises(SourceError, match="does not answer: /workflows answers 503"):
        bring(ADDRESS, access=KEY)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("9" * 400, 999_999_999.0), ("", None)],
)
def test_the_seconds_that_it_asks_for_are_waited(header, seconds):
    response = httpx.Response(429, headers={"Retry-After": header})
    assert api_client._asked_to_wait(response) == seconds


def test_a_list_that_ends_in_an_error_is_not_taken_for_one_that_is_refused(bring, answers):
    """As when a cursor has expired: part of a list would pass for all of it."""
    first = {"data": [{"id": "v1", "key": "a"}], "nextCursor": "expires"}
    answers(lambda path, query: (400 if "cursor" in query else first) if path == "/variables" else EMPTY)
    with pytest.raises(SourceError, match="answers 400 to /variables"):
        bring(ADDRESS, access=KEY)


@pytest.mark.parametrize(("status", "why"), [(403, "the scopes of the key"), (404, "too old")])
def test_a_list_that_is_refused_is_told(bring, answers, status, why):
    answers(lambda path, query: EMPTY if path in ("/workflows", "/tags", "/executions") else status)
    refused = [note for note in bring(ADDRESS, access=KEY).notes if why in note]
    assert [note.split(" to ")[1].split(" ")[0] for note in refused] == ["/variables", "/projects", "/data-tables"]


@pytest.mark.parametrize(
    ("rows", "cursors"),
    [([], repeat("again")), ([], map(str, count())), ([workflow(1)], map(str, count()))],
    ids=["one cursor", "no rows", "the same rows"],
)
def test_a_list_that_leads_back_to_itself_is_told(bring, answers, rows, cursors):
    answers(lambda path, query: {"data": rows, "nextCursor": next(cursors)})
    with pytest.raises(SourceError, match="the same page of /workflows again"):
        bring(ADDRESS, access=KEY)
