"""What takes a package's code is tested by a worker, for which whoever asks waits a while and holds no connection."""

import threading
from dataclasses import replace

import pytest

from app.api import worker_questions as asking
from app.api.worker_questions import TEST, WorkerQuestions, WorkerTests
from app.credentials.testing import Stored
from app.repository import worker_questions, workers
from app.repository.connection import open_pool
from app.repository.worker_questions import CREDENTIAL_TESTS
from tests.patience import wait_until
from tests.repository.given import a_worker

STORED = Stored("c1", "default")


@pytest.fixture
def tests(database_url):
    with open_pool(database_url, size=1, name="tests") as pool:
        yield WorkerTests(WorkerQuestions(pool, lease_seconds=60))


def test_one_worker_with_the_package_does_it(tests, connection):
    first, second = a_worker(connection), a_worker(connection)
    connection.commit()
    said = []
    asking = threading.Thread(target=lambda: said.append(tests.problem(STORED, "tokenApi")))
    asking.start()

    def take(worker_id, types=("otherApi", "tokenApi"), seconds=60):
        taken = worker_questions.take(connection, CREDENTIAL_TESTS, worker_id, 10, types, seconds=seconds)
        connection.commit()
        return taken

    wait_until(lambda: connection.execute("SELECT FROM credential_tests").fetchall() or connection.rollback())
    assert take(first, ["otherApi"]) == take(first, seconds=0) == []
    [test] = take(first)
    assert (test.asked, test.project_id, test.type) == ("c1", "default", "tokenApi")
    assert take(second) == []
    worker_questions.end(connection, CREDENTIAL_TESTS, second, test.id, problem="not mine")
    worker_questions.end(connection, CREDENTIAL_TESTS, first, test.id, problem="It is a teapot")
    connection.commit()
    asking.join()
    assert said == ["It is a teapot"]
    assert connection.execute("SELECT FROM credential_tests").fetchall() == []


def test_without_a_worker_or_its_answer_it_says_so(tests, connection, monkeypatch):
    assert tests.problem(STORED, "tokenApi") == TEST.no_worker
    worker_id = a_worker(connection)
    connection.commit()
    monkeypatch.setattr(asking, "TAKEN_SECONDS", 0)
    assert tests.problem(STORED, "tokenApi") == TEST.not_taken
    monkeypatch.setattr(asking, "TEST", replace(TEST, seconds=0))
    assert tests.problem(STORED, "tokenApi") == TEST.too_slow
    workers.retire(connection, worker_id)
    assert worker_questions.take(connection, CREDENTIAL_TESTS, worker_id, 10, ["tokenApi"], seconds=60) == []
