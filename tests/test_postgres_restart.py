"""PostgreSQL restarts under load: API and worker come back by themselves, and nothing acknowledged is lost."""

import threading
import time

import pytest

from app.repository import connection as connection_module
from tests import live
from tests.patience import wait_until
from tests.postgres import TestServer, cloned_database
from tests.worker.conftest import Queue
from tests.workflows import no_op, stored

pytestmark = pytest.mark.slow


@pytest.fixture
def own_postgres():
    """A server that this test may restart."""
    server = TestServer()
    yield server
    server.stop()


class Clients:
    """Clients that start executions all the time and note every answer."""

    def __init__(self, server: live.LiveServer, number: int = 4) -> None:
        self._server = server
        self._stop = threading.Event()
        self.acknowledged: list[int] = []
        self.refused: list[live.Answer] = []
        self.failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._server.post("/api/v1/workflows/w1/run", {"wait": 0})
            except Exception as error:
                self.failures.append(error)
                continue
            if answer.status == 200:
                self.acknowledged.append(int(answer.body["id"]))
            else:
                self.refused.append(answer)
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("immediate", [False, True], ids=["fast", "immediate"])
def test_a_restart_under_load_loses_nothing(own_postgres, tmp_path, immediate: bool) -> None:
    with cloned_database(own_postgres.url("postgres")) as database_url:
        with connection_module.connect(database_url, autocommit=True) as connection:
            Queue(connection).save(stored(no_op()))
        server = live.start_server(database_url, tmp_path)
        worker = live.start_worker(database_url, tmp_path)
        clients = Clients(server)
        try:
            time.sleep(1)
            own_postgres.restart(immediate=immediate, down_seconds=5)
            before = len(clients.acknowledged)
            wait_until(lambda: len(clients.acknowledged) >= before + 50, "the API has not come back")
            clients.stop()
            assert clients.failures == []
            assert clients.refused, "the restart was not noticed: this test shows nothing"
            for answer in clients.refused:
                assert answer.status == 503
                assert answer.body["message"]
                assert int(answer.headers["Retry-After"]) >= 1
            with connection_module.connect(database_url, autocommit=True) as connection:
                ended = Queue(connection).wait_for(clients.acknowledged)
            assert {execution.status for execution in ended} == {"success"}
        finally:
            clients.stop()
            worker.stop()
            server.child.stop()
