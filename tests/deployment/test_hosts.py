"""Several hosts on one PostgreSQL, of which some are cut off: they stop what they run, and nothing is done twice."""

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from psycopg_pool import PoolTimeout

from app.repository.connection import SILENCE, open_pool, reading
from tests.deployment.hosts import Cable, Host, World, host, world
from tests.patience import wait_until
from tests.worker.conftest import LEASE, Queue
from tests.workflows import node, stored

pytestmark = [pytest.mark.slow, pytest.mark.own_database]

SETTINGS = {
    **LEASE,
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
    wanted = (("cut", True), ("swallowed", False), ("other", True))
    made = [host(database_url, tmp_path / name, with_api=with_api, **SETTINGS) for name, with_api in wanted]
    with ExitStack() as stack, ThreadPoolExecutor() as together:
        yield list(together.map(stack.enter_context, made))


def ask(outside: World, path: str) -> tuple:
    url = f"={outside.address}/{path}/{{{{ $execution.id }}}}"
    return node(path.title(), "httpRequest", {"url": url, "options": {}}, 4.2)


def held_by(queue: Queue, worker_pid: int, ids: list[int]) -> list[int]:
    query = "SELECT e.id FROM executions e JOIN workers w ON w.id = e.worker_id WHERE w.pid = %s AND e.id = ANY(%s)"
    return [row[0] for row in queue.connection.execute(query, [worker_pid, ids])]


def test_hosts_that_are_cut_off_give_up_and_come_back(queue, hosts: list[Host], outside: World) -> None:
    queue.save(stored(ask(outside, "held"), ask(outside, "end")), "long")
    queue.save(stored(ask(outside, "quick")), "short")
    cut, swallowed, other = hosts
    assert cut.api is not None
    assert other.api is not None
    ids = queue.add("long", 12)
    wait_until(lambda: all(outside.calls[f"/held/{number}"] for number in ids), lambda: outside.calls)
    given_up = held_by(queue, cut.worker.pid, ids) + held_by(queue, swallowed.worker.pid, ids)
    going_on = held_by(queue, other.worker.pid, ids)
    assert (len(given_up), len(going_on)) == (8, 4), "each has as many as it has room for"

    cut.cable.cut()
    swallowed.cable.swallow()
    crashed = queue.wait_for(given_up)
    assert {execution.status for execution in crashed} == {"crashed"}
    wait_until(lambda: outside.given_up == {f"/held/{number}" for number in given_up}, lambda: outside.given_up)
    outside.released.set()
    answer = cut.api.get("/api/v1/executions")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert {execution.status for execution in queue.wait_for(going_on)} == {"success"}
    answer = other.api.post("/api/v1/workflows/short/run", {"wait": 60})
    assert (answer.status, answer.body["status"]) == (200, "success")
    time.sleep(1)  # by now they would have ended what they ran

    outside.released.clear()
    for lonely in (cut, swallowed):
        lonely.cable.mend()
    again = queue.add("long", 12)  # as many as there is room for only when both are back
    wait_until(lambda: all(outside.calls[f"/held/{number}"] for number in again), lambda: outside.calls)
    assert [len(held_by(queue, each.worker.pid, again)) for each in hosts] == [4, 4, 4]
    outside.released.set()
    assert {execution.status for execution in queue.wait_for(again)} == {"success"}
    assert cut.api.get("/api/v1/executions").status == 200
    answer = other.api.get("/api/v1/executions?status=crashed")
    assert sorted(int(execution["id"]) for execution in answer.body["data"]) == sorted(given_up)
    assert set(outside.calls.values()) == {1}, "something was done twice"
    assert not any(outside.calls[f"/end/{number}"] for number in given_up), "what was given up went on"


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
