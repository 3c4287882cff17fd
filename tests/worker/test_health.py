"""A worker's own endpoint: whether it lives, whether it is ready, what it measures; and who keeps it from answering."""

import gc
import socket
import threading
import time
import urllib.error
from collections.abc import Callable
from contextlib import suppress

import pytest

from app.loopback import open_url
from app.places import version
from app.processes import Child
from app.worker.health import MAX_CALLS, MAX_HEAD_LENGTH, HealthAnswer, HealthServer, json_page
from tests.live import free_port
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.workflows import stored, wait

pytestmark = pytest.mark.slow


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with open_url(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def measured(port: int) -> dict[str, float]:
    lines = get(port, "/metrics")[1].splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


@pytest.fixture
def port() -> int:
    return free_port()


def test_a_worker_says_that_it_lives_is_ready_and_what_it_runs(queue, start_worker: Callable[..., Child], port):
    queue.save(stored(wait(3600)))
    start_worker(EXECUTIONS_WORKER_PORT=port, EXECUTIONS_CONCURRENCY=7)
    assert get(port, "/healthz") == (200, '{"status":"ok"}')
    wait_until(lambda: get(port, "/healthz/readiness") == (200, '{"status":"ok"}'))
    queue.wait_for(queue.add(), ["waiting"])
    wait_until(lambda: measured(port)["executions_worker_process_results_total"] == 1)
    figures = measured(port)
    assert figures["executions_worker_process_slots"] == 7
    assert figures["executions_worker_process_claims_total"] == 1
    assert figures["executions_worker_process_running"] == 0
    assert figures["executions_worker_process_database_up"] == 1
    assert figures["executions_worker_process_lease_seconds"] > 0
    wait_until(lambda: measured(port)["executions_worker_process_loop_lag_seconds_count"] > 0)
    assert figures['executions_worker_process_run_seconds_count{status="waiting"}'] == 1
    assert figures[f'executions_build_info{{version="{version()}"}}'] == 1
    assert figures["process_resident_memory_bytes"] > 0


def test_a_taken_port_is_a_sentence(flask):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        result = flask("worker", EXECUTIONS_WORKER_PORT=number)
    assert result.returncode == 1
    assert f"EXECUTIONS_WORKER_HOST, EXECUTIONS_WORKER_PORT: cannot listen on 127.0.0.1:{number}: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def server(port):
    def broken() -> HealthAnswer:
        raise ZeroDivisionError

    with HealthServer({"/healthz": lambda: json_page(200), "/broken": broken}).serving("127.0.0.1", port):
        yield port


def said(port: int, request: bytes) -> bytes:
    """All that the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /healthz HTTP/1.1", 200),
        ("GET /healthz?now=1 HTTP/1.1", 200),
        ("HEAD /healthz HTTP/1.1", 200),
        ("POST /healthz HTTP/1.1", 405),
        ("GET /metrics/ HTTP/1.1", 404),
        ("GET /broken HTTP/1.1", 500),
        ("GET /healthz", 400),
        ("\x00\xff", 400),
        ("GET /" + "a" * MAX_HEAD_LENGTH + " HTTP/1.1", 431),
    ],
)
def test_whatever_is_asked_gets_an_answer(server, request_line, status):
    answer = said(server, request_line.encode("latin-1") + b"\r\nHost: here\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (body == b"") == request_line.startswith("HEAD")


def test_the_silent_keep_nobody_from_being_answered_and_are_cut_off(server):
    silent = [socket.create_connection(("127.0.0.1", server), PATIENCE_SECONDS) for _ in range(2 * MAX_CALLS)]
    assert get(server, "/healthz")[0] == 200
    for connection in silent:
        with connection:
            assert connection.recv(1) == b""


@pytest.mark.parametrize("idle_seconds", [0, 0.001, 0.05])
def test_its_thread_ends_with_it_and_closes_what_it_has_accepted(port, idle_seconds, request):
    gc.disable()  # nobody else closes it in the end
    request.addfinalizer(gc.enable)
    before = threading.active_count()
    with HealthServer({}).serving("127.0.0.1", port):
        idle = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        time.sleep(idle_seconds)
    with idle, suppress(ConnectionResetError):  # which is closed as well, before the server had seen it
        assert idle.recv(1) == b""
    assert threading.active_count() == before
