"""Clients that send or read as slowly as they can get away with; there are many more of them than threads."""

import contextlib
import http.client
import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import live
from tests.live import KEY, LiveServer
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.postgres import cloned_database

MANY = 60
THREADS = 4
HEAD = f"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nX-N8N-API-KEY: {KEY}\r\nContent-Type: application/json\r\n".encode()
WEBHOOK = b"POST /webhook/x HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "says nothing": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Length: 50\r\n\r\n{",
    "half a body, without a key": b"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
    "half a body, to a webhook": b"POST /webhook/x HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "chunks without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "a second request begun": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD,
    "never closes": b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "refused and never closes": b"nonsense\r\n\r\n",
    "waits to be told to go on": HEAD + b"Content-Length: 50\r\nExpect: 100-continue\r\n\r\n",
    "too large, half of it": HEAD + b"Content-Length: 1000000000\r\n\r\n" + b"x" * 1000,
    "a length without an end": HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{",
    "a length of zeros, to a webhook": WEBHOOK + b"Content-Length: " + b"0" * 30 + b"50\r\n\r\n{",
    "a chunk without an end, to a webhook": WEBHOOK + CHUNKED + b"1" * 30 + b"\r\n{",
    "a chunk of zeros": HEAD + CHUNKED + b"0" * 30 + b"5\r\n{",
    "bare line feeds, to a webhook": WEBHOOK + CHUNKED + b"0\n\n",
    "a trailer of a space": HEAD + CHUNKED + b"0\r\nX: y\r\n \r\n",
    "a trailer of a space, to a webhook": WEBHOOK + CHUNKED + b"0\r\nX: y\r\n \r\n",
    "reads nothing": b"GET /api/v1/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
}


@pytest.fixture(scope="module")
def server(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One API for all of them, with few threads and little patience."""
    with started(postgres_url, tmp_path_factory, "tests.hostile.impatient:app") as server:
        yield server


@pytest.fixture(scope="module")
def patient(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The same without an end to its patience: slow clients stay as long as they like."""
    with started(postgres_url, tmp_path_factory, "tests.hostile.patient:app") as server:
        yield server


@contextmanager
def started(postgres_url: str, folders: pytest.TempPathFactory, application: str) -> Iterator[LiveServer]:
    with cloned_database(postgres_url) as url:
        home = folders.mktemp("home")
        server = live.start_server(url, home, application=application, EXECUTIONS_HTTP_THREADS=THREADS)
        yield server
        server.child.stop()


def address(server: LiveServer) -> tuple[str, int]:
    url = urlsplit(server.url)
    return str(url.hostname), int(url.port or 0)


@contextmanager
def clients(server: LiveServer, sent: bytes, number: int = 1) -> Iterator[list[socket.socket]]:
    """So many connections, each with this sent."""
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            opened.append(stack.enter_context(socket.create_connection(address(server), timeout=PATIENCE_SECONDS)))
            opened[-1].sendall(sent)
        yield opened


def answer_on(client: socket.socket) -> tuple[int, Any]:
    """What the server says until it closes the connection."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    body = json.loads(answer.read())
    assert client.recv(1) == b""
    return answer.status, body


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_others_are_answered_meanwhile(patient, sent) -> None:
    with clients(patient, sent, MANY):
        for _ in range(2 * THREADS):
            assert patient.get("/api/v1/tags").status == 200


def test_all_of_them_at_once(patient) -> None:
    with ExitStack() as stack:
        for sent in SLOW.values():
            stack.enter_context(clients(patient, sent, 30))
        for _ in range(2 * THREADS):
            assert patient.get("/api/v1/tags").status == 200


@pytest.mark.parametrize("kind", ["half a head", "half a body, to a webhook", "chunks without an end"])
def test_whoever_sends_too_slowly_is_told_so_and_cut_off(server, kind) -> None:
    began = time.monotonic()
    with clients(server, SLOW[kind]) as [client]:

        def answered() -> bool:
            if select.select([client], [], [], 0)[0]:
                return True
            client.send(b"x" if "head" in kind else b"1\r\n \r\n")  # a little now and then does not help
            return False

        wait_until(answered, pause=0.3)
        assert answer_on(client) == (408, {"message": "The request took too long to arrive"})
    assert time.monotonic() - began > 0.9


def test_whoever_reads_too_slowly_is_cut_off(server) -> None:
    def noticed() -> int:
        return server.child.log.read_text().count('"doing":"reading"')

    before = noticed()
    with clients(server, SLOW["reads nothing"]) as [client]:
        wait_until(lambda: noticed() > before, pause=0.1)
        received = 0
        with contextlib.suppress(ConnectionError):
            while data := client.recv(2**20):
                received += len(data)
        assert 0 < received < 20_000_000  # of twenty answers of a megabyte each; the system keeps some by itself


def test_a_client_that_takes_its_time_within_bounds_is_served(patient) -> None:
    body = b'{"name": "slow but steady"}'
    with clients(patient, HEAD + b"Content-Length: %d\r\n\r\n" % len(body)) as [client]:
        for piece in (body[:5], body[5:11], body[11:]):
            time.sleep(0.2)
            client.sendall(piece)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 201


def test_requests_that_come_one_behind_the_other_are_each_answered(server) -> None:
    get = f"GET /api/v1/tags HTTP/1.1\r\nHost: x\r\nX-N8N-API-KEY: {KEY}\r\n".encode()
    with clients(server, (get + b"\r\n") * 50 + get + b"Connection: close\r\n\r\n") as [client]:
        text = b""
        while data := client.recv(2**16):
            text += data
    assert text.count(b"HTTP/1.1 200 OK\r\n") == 51
