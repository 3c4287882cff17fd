"""Several hosts on one PostgreSQL, of which one is cut off: it stops what it runs, and nothing is done twice."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from psycopg_pool import PoolTimeout

from app.repository.connection import SILENCE, open_pool, reading
from tests.deployment.hosts import Cable, Host, World, host, world
from tests.worker.conftest import Queue
from tests.worker.graphs import chain, wait

LEASE_SECONDS = 2
WORK_SECONDS = 4  # longer than it takes to be given up
LEASE = {
    "EXECUTIONS_HEARTBEAT_SECONDS": 0.5,
    "EXECUTIONS_LEASE_SECONDS": LEASE_SECONDS,
    "EXECUTIONS_CONCURRENCY": 4,
    "EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1",
}
OPTIONS = {
    "keepalives_idle": socket.TCP_KEEPIDLE,
    "keepalives_interval": socket.TCP_KEEPINTVL,
    "keepalives_count": socket.TCP_KEEPCNT,
    "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
}


@pytest.fixture
def outside() -> Iterator[World]:
    with world() as server:
        yield server


@pytest.fixture
def hosts(database_url: str, tmp_path) -> Iterator[list[Host]]:
    with ExitStack() as stack:
        yield [stack.enter_context(host(database_url, tmp_path / name, **LEASE)) for name in ("a", "b")]


def ask(outside: World, path: str) -> tuple:
    url = f"={outside.address}/{path}/{{{{ $execution.id }}}}"
    return (path.title(), "httpRequest", 4.2, {"url": url, "options": {}})


def held_by(queue: Queue, worker_pid: int, ids: list[int]) -> list[int]:
    query = "SELECT e.id FROM executions e JOIN workers w ON w.id = e.worker_id WHERE w.pid = %s AND e.id = ANY(%s)"
    return [row[0] for row in queue.connection.execute(query, [worker_pid, ids])]


def test_a_host_that_is_cut_off_gives_up_and_comes_back(queue, hosts: list[Host], outside: World) -> None:
    queue.save(chain(ask(outside, "begin"), wait(WORK_SECONDS), ask(outside, "end")), "long")
    queue.save(chain(ask(outside, "quick")), "short")
    lonely, other = hosts
    cut_off = given_up(queue, hosts, outside, lonely.cable.cut)
    answer = lonely.api.get("/api/v1/executions")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    goes_on(queue, lonely)
    cut_off += given_up(queue, hosts, outside, lonely.cable.swallow)
    goes_on(queue, lonely)
    answer = other.api.get("/api/v1/executions?status=crashed")
    assert sorted(int(execution["id"]) for execution in answer.body["data"]) == sorted(cut_off)
    assert set(outside.calls.values()) == {1}, "something was done twice"
    assert not any(outside.calls[f"/end/{number}"] for number in cut_off), "what was given up went on"


def given_up(queue: Queue, hosts: list[Host], outside: World, cut: Callable[[], None]) -> list[int]:
    """Cut the first host off while both are at work; what it had to give up, while the other went on."""
    lonely, other = hosts
    ids = queue.add("long", 8)
    deadline = time.monotonic() + 15
    while not all(outside.calls[f"/begin/{number}"] for number in ids):
        assert time.monotonic() < deadline, queue.wait_for(ids, ["running"], 0)
        time.sleep(0.02)
    cut_off, going_on = held_by(queue, lonely.worker.pid, ids), held_by(queue, other.worker.pid, ids)
    assert (len(cut_off), len(going_on)) == (4, 4)
    cut()
    crashed = queue.wait_for(cut_off, seconds=LEASE_SECONDS + 5)
    assert {execution.status for execution in crashed} == {"crashed"}
    assert {execution.status for execution in queue.wait_for(going_on)} == {"success"}
    answer = other.api.post("/api/v1/workflows/short/run", {"wait": 10})
    assert (answer.status, answer.body["status"]) == (200, "success")
    time.sleep(1)  # by now it would have ended what it ran
    return cut_off


def goes_on(queue: Queue, lonely: Host) -> None:
    """Mend the cable: its worker takes work again, and its API answers."""
    lonely.cable.mend()
    deadline = time.monotonic() + 15
    while not held_by(queue, lonely.worker.pid, queue_more(queue)):
        assert time.monotonic() < deadline, lonely.worker.log_tail()
    assert lonely.api.get("/api/v1/executions").status == 200


def queue_more(queue: Queue) -> list[int]:
    ids = queue.add("short", 10)
    assert {execution.status for execution in queue.wait_for(ids)} == {"success"}
    return ids


def test_a_line_that_says_nothing_is_given_up(database_url: str) -> None:
    """A cable of this test swallows what the system has acknowledged; of a real one it is told how long to wait."""
    cable = Cable(database_url)
    try:
        with open_pool(cable.url, size=1, name="test") as pool, reading(pool) as connection:
            line = socket.socket(fileno=os.dup(connection.fileno()))
            with line:
                told = {name: line.getsockopt(socket.IPPROTO_TCP, option) for name, option in OPTIONS.items()}
        assert told == {name: SILENCE[name] for name in OPTIONS}
        cable.swallow()
        with (
            open_pool(f"{cable.url}?connect_timeout=1", size=1, name="test", timeout=0.5) as pool,
            pytest.raises(PoolTimeout),
            reading(pool),
        ):
            pass
    finally:
        cable.close()
