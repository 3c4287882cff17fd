"""Watchers of a live server: many more than there are threads, each told what happens, none in another's way."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from app.http.departure import BufferBudget, Departure
from app.repository import api_keys, lifecycle, workflows
from app.repository.connection import connect
from tests.live import KEY, LiveServer
from tests.patience import PATIENCE_SECONDS, wait_until

THREADS = 2
MANY = 40
SETTINGS = {"EXECUTIONS_HTTP_THREADS": THREADS, "EXECUTIONS_POOL_SIZE": 2}


class Stream:
    """One watcher's connection."""

    def __init__(self, server: LiveServer, stack: ExitStack, path: str = "", **headers: str) -> None:
        address = urlsplit(server.url)
        self.connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_SECONDS)
        stack.callback(self.connection.close)
        sent = {"X-N8N-API-KEY": KEY} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", f"/api/v1/executions/events{path}", headers=sent)
        self.response = self.connection.getresponse()

    def next(self) -> tuple[str, dict]:
        """Name and content of the next event; ("end", {}) at the end of the stream."""
        event: dict[str, str] = {}
        while line := self.response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            event[name] = value
        if self.response.isclosed() and not event:
            return "end", {}
        return (event["event"], json.loads(event["data"])) if "event" in event else self.next()


@pytest.fixture
def watch(start_server) -> Iterator[Callable[..., Stream]]:
    server = start_server(**SETTINGS)
    with ExitStack() as stack:

        def open_stream(path: str = "", **headers: str) -> Stream:
            return Stream(server, stack, path, **headers)

        open_stream.server = server
        yield open_stream


@pytest.fixture
def queue(database_url) -> Iterator[Callable[[], int]]:
    """Queues an execution."""
    with connect(database_url, autocommit=True) as connection:
        workflows.create_workflow(connection, "w", project_id="default", name="w", definition=b'{"nodes":[]}')
        target = workflows.get_workflow(connection, "w").target
        yield lambda: lifecycle.create_execution(connection, target, mode="manual")


def test_many_watch_and_hold_no_thread(watch, queue):
    streams = [watch() for _ in range(MANY)]
    assert {stream.next()[0] for stream in streams} == {"ready"}
    number = queue()
    for stream in streams:
        name, told = stream.next()
        assert (name, told["change"], told["execution"]["id"]) == ("execution", "queued", str(number))
    assert watch.server.post(f"/api/v1/executions/{number}/stop").status == 200
    assert {stream.next()[1]["change"] for stream in streams} == {"ended"}


@pytest.mark.slow
def test_a_stream_ends_with_its_key(watch, queue, database_url):
    with connect(database_url, autocommit=True) as connection:
        key_id = api_keys.create_api_key(connection, "other key", label="x", scopes=["execution:list"])
        stream, own = watch(X_N8N_API_KEY="other key"), watch()
        assert stream.next()[0] == own.next()[0] == "ready"
        api_keys.revoke_api_key(connection, key_id)
    assert stream.next()[0] == "end"
    queue()
    assert own.next()[0] == "execution"


def test_a_stopping_server_ends_its_streams(watch):
    stream = watch()
    assert stream.next()[0] == "ready"
    watch.server.child.stop()
    assert stream.next()[0] == "end"


def test_a_client_that_is_gone_is_forgotten(watch, queue):
    own = watch()
    assert own.next()[0] == "ready"
    gone = watch()
    assert gone.next()[0] == "ready"
    gone.connection.sock.shutdown(socket.SHUT_RDWR)
    queue()
    assert own.next()[0] == "execution"
    wait_until(lambda: watch.server.get("/healthz").status == 200)


def test_who_is_too_far_behind_is_told_no_more():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        departure = Departure(ours, BufferBudget(lambda: None), seconds=1)
        offered = 0
        while departure.offer(b"x" * 10_000, 50_000):
            offered += 10_000
        assert 0 < departure.left <= 50_000 < offered
        received = 0
        theirs.settimeout(PATIENCE_SECONDS)
        while received < offered:
            received += len(theirs.recv(65_536))
            departure.push()
        assert departure.offer(b"x", 50_000)
