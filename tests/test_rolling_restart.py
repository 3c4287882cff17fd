"""API and workers are replaced by newer ones under load, as the README tells it: no call fails, no run is lost."""

import http.client
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from app.processes import Child
from tests import live
from tests.live import KEY, LiveServer
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.workflows import no_op, set_field, stored, wait

pytestmark = pytest.mark.slow


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[LiveServer]:
    """The API as it is deployed: only gunicorn's own command can be replaced by itself."""
    gunicorn = Path(sys.executable).parent / "gunicorn"
    server = live.start_server(database_url, tmp_path, command=[gunicorn])
    yield server
    server.child.stop()


class Load:
    """Clients that call without a pause; `answers` counts what they got, by call and status."""

    def __init__(self, server: LiveServer, workflow_id: str) -> None:
        self.server = server
        self.answers: Counter[tuple[str, object]] = Counter()
        self._workflow_id = workflow_id
        self._ended = threading.Event()

    def start(self, threads: ThreadPoolExecutor) -> None:
        for client in (self._runs, self._runs, self._reads, self._keeps_its_connection):
            threads.submit(client)

    def end(self) -> None:
        self._ended.set()

    def _repeat(self, call: str, ask: Callable[[], object]) -> None:
        while not self._ended.wait(0.04):
            try:
                self.answers[call, ask()] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[call, repr(error)] += 1

    def _runs(self) -> None:
        def run() -> object:
            answer = self.server.post(f"/api/v1/workflows/{self._workflow_id}/run", {"wait": 60})
            return answer.body.get("status", answer.body)

        self._repeat("run", run)

    def _reads(self) -> None:
        self._repeat("list", lambda: self.server.get("/api/v1/executions?limit=5").status)

    def _keeps_its_connection(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=PATIENCE_SECONDS)

        def read() -> object:
            connection.request("GET", "/api/v1/tags", headers={"X-N8N-API-KEY": KEY})
            answer = connection.getresponse()
            answer.read()
            return answer.status

        self._repeat("kept alive", read)


def newer_api(old: int) -> psutil.Process:
    """The process that gunicorn starts beside itself at SIGUSR2, once it has a worker."""

    def with_a_worker() -> psutil.Process | None:
        for child in psutil.Process(old).children():
            with suppress(psutil.NoSuchProcess):
                if child.children():
                    return child
        return None

    newer = wait_until(with_a_worker, "no newer gunicorn has started", pause=0.05)
    assert newer is not None
    return newer


def test_nothing_fails_while_everything_is_replaced(server, start_worker) -> None:
    ids = [
        server.post("/api/v1/workflows", {"name": name, **json.loads(document)}).body["id"]
        for name, document in (
            ("Short", stored(set_field("a", "={{ 1 + 1 }}"), no_op())),
            ("Long", stored(wait(2), no_op())),
        )
    ]
    old_workers: list[Child] = [start_worker()]
    load = Load(server, ids[0])
    newer = None
    try:
        with ThreadPoolExecutor() as threads:
            load.start(threads)
            try:
                long = [server.post(f"/api/v1/workflows/{ids[1]}/run").body["id"] for _ in range(4)]
                for worker in old_workers:
                    start_worker()
                    assert worker.stop() == 0
                os.kill(server.child.pid, signal.SIGUSR2)
                newer = newer_api(server.child.pid)
                assert server.child.stop() == 0
                sent = load.answers["run", "success"]
                wait_until(lambda: load.answers["run", "success"] > sent + 20)
            finally:
                load.end()
        assert {call: status for call, status in load.answers if status not in (200, "success")} == {}
        for number in long:
            assert server.get(f"/api/v1/executions/{number}").body["status"] == "success"
        for status in ("crashed", "error", "canceled", "new"):
            assert server.get(f"/api/v1/executions?status={status}").body["count"] == 0
        assert server.get("/api/v1/executions?limit=1").body["count"] == load.answers["run", "success"] + len(long)
    finally:
        if newer is not None:
            newer.terminate()
            newer.wait(PATIENCE_SECONDS)
