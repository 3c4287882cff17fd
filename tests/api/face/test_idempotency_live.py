"""Idempotency-Key over real HTTP: the same key in two processes at once, and in one that dies in the middle."""

import http.client
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg

from tests.api.conftest import Api
from tests.patience import wait_until

SETTINGS = {"EXECUTIONS_HTTP_WORKERS": 1}


def same_moment(servers, path: str, body: Any, key: str) -> list[Any]:
    """What eight calls with one key, shared out over the servers, are answered."""
    with ThreadPoolExecutor(8) as threads:
        calls = [
            threads.submit(servers[number % len(servers)].post, path, body, Idempotency_Key=key) for number in range(8)
        ]
        return [call.result() for call in calls]


def test_two_processes_act_once(api: Api, workflow, start_server) -> None:
    """For each call that takes a key: one of eight acts, and all are told the same."""
    servers = [start_server(**SETTINGS) for _ in range(2)]
    failed = [api.ended(workflow, "error") for _ in range(2)]
    queued = [api.queue(workflow) for _ in range(3)]

    def number() -> int:
        return api.db.execute("SELECT count(*) FROM executions").fetchone()[0]

    before = number()
    runs = same_moment(servers, f"/api/v1/workflows/{workflow.id}/run", {"input": [{"a": 1}]}, "run")
    assert {answer.status for answer in runs} == {200}
    assert len({answer.body["id"] for answer in runs}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in runs) == 1
    retried = same_moment(servers, f"/api/v1/executions/{failed[0]}/retry", {"loadWorkflow": True}, "retry")
    assert {answer.status for answer in retried} == {200}, retried
    assert len({answer.body["id"] for answer in retried}) == 1
    api.db.commit()
    assert number() == before + 2
    stops = same_moment(servers, "/api/v1/executions/stopMany", {"filter": {"status": ["queued"]}}, "stop")
    assert stops[0].body == {"stopped": len(queued) + 2, "touchedBy": stops[0].body["touchedBy"]}
    assert [answer.body for answer in stops] == [stops[0].body] * 8
    deleted = same_moment(servers, "/api/v1/executions/delete", {"ids": [str(failed[1])]}, "delete")
    assert [(answer.status, answer.body) for answer in deleted] == [(200, {"success": True})] * 8
    for path, body in [(f"/api/v1/executions/{failed[0]}/retry", None), ("/api/v1/executions/delete", {"ids": ["1"]})]:
        assert servers[1].post(path, body, Idempotency_Key="run").status == 422, "another call, the same key"


def test_a_process_that_dies_leaves_all_or_nothing(api: Api, workflow, start_server, database_url) -> None:
    """Killed before the commit, the call has done nothing; killed after it, the first answer is there."""
    server = start_server(**SETTINGS)
    path = f"/api/v1/workflows/{workflow.id}/run"
    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(database_url) as holder:
            holder.execute("LOCK TABLE executions IN EXCLUSIVE MODE")
            call = threads.submit(lost, server, path, {}, "before")
            until_blocked(holder)
            kill_processes_of(server)
            assert call.result(), "the connection is cut before an answer comes"
        answer = posted(server, path, {}, "before")
        assert "Idempotent-Replayed" not in answer.headers
        assert count(api) == 1
        call = threads.submit(lost, server, path, {"wait": 60}, "after")
        while count(api) < 2:
            time.sleep(0.02)
        kill_processes_of(server)
        assert call.result(), "the connection is cut before an answer comes"
        answer = posted(server, path, {"wait": 60}, "after")
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert (answer.body["id"], count(api)) == (str(newest(api)), 2)


def lost(server, path: str, body: Any, key: str) -> bool:
    """Whether a call gets no answer."""
    try:
        server.post(path, body, Idempotency_Key=key)
    except (OSError, http.client.HTTPException):
        return True
    return False


def posted(server, path: str, body: Any, key: str):
    """The answer, as soon as there is somebody to give one."""

    def answer():
        with suppress(OSError, http.client.HTTPException):
            return server.post(path, body, Idempotency_Key=key)

    return wait_until(answer, "nobody answers", pause=0.1)


def kill_processes_of(server) -> None:
    """Kill what answers; gunicorn's master puts others in its place."""
    found = subprocess.run(["pgrep", "-P", str(server.child.pid)], capture_output=True, text=True, check=True)
    for pid in map(int, found.stdout.split()):
        os.kill(pid, signal.SIGKILL)


def until_blocked(connection: psycopg.Connection[Any]) -> None:
    """Wait until somebody waits for this connection's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    while connection.execute(query).fetchone() == (0,):
        time.sleep(0.02)


def count(api: Api) -> int:
    api.db.commit()
    return int(api.db.execute("SELECT count(*) FROM executions").fetchone()[0])


def newest(api: Api) -> int:
    return int(api.db.execute("SELECT max(id) FROM executions").fetchone()[0])
