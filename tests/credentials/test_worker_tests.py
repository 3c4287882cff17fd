"""What takes a package's code is tested by a worker, for which whoever asks waits a while and holds no connection."""

import threading

import pytest

from app.credentials import worker_tests
from app.credentials.testing import Stored
from app.credentials.worker_tests import NO_PACKAGE, NO_WORKER, TOO_SLOW, WorkerTests
from app.repository import credential_tests, workers
from app.repository.connection import open_pool
from tests.patience import wait_until
from tests.repository.given import a_worker

STORED = Stored("c1", "default")


@pytest.fixture
def tests(database_url):
    with open_pool(database_url, size=1, name="tests") as pool:
        yield WorkerTests(pool, lease_seconds=60)


def test_one_worker_with_the_package_does_it(tests, connection):
    first, second = a_worker(connection), a_worker(connection)
    connection.commit()
    said = []
    asking = threading.Thread(target=lambda: said.append(tests.problem(STORED, "tokenApi")))
    asking.start()

    def take(worker_id, types=("otherApi", "tokenApi"), seconds=60):
        taken = credential_tests.take(connection, worker_id, 10, types, seconds=seconds)
        connection.commit()
        return taken

    wait_until(lambda: connection.execute("SELECT FROM credential_tests").fetchall() or connection.rollback())
    assert take(first, ["otherApi"]) == take(first, seconds=0) == []
    [test] = take(first)
    assert (test.credential_id, test.project_id, test.type) == ("c1", "default", "tokenApi")
    assert take(second) == []
    credential_tests.end(connection, second, test.id, "not mine")
    credential_tests.end(connection, first, test.id, "It is a teapot")
    connection.commit()
    asking.join()
    assert said == ["It is a teapot"]
    assert connection.execute("SELECT FROM credential_tests").fetchall() == []


def test_without_a_worker_or_its_answer_it_says_so(tests, connection, monkeypatch):
    assert tests.problem(STORED, "tokenApi") == NO_WORKER
    worker_id = a_worker(connection)
    connection.commit()
    monkeypatch.setattr(worker_tests, "TAKEN_SECONDS", 0)
    assert tests.problem(STORED, "tokenApi") == NO_PACKAGE
    monkeypatch.setattr(worker_tests, "PATIENCE_SECONDS", 0)
    assert tests.problem(STORED, "tokenApi") == TOO_SLOW
    workers.retire(connection, worker_id)
    assert credential_tests.take(connection, worker_id, 10, ["tokenApi"], seconds=60) == []
