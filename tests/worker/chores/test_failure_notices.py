"""Notices of failed executions: signed, at least once, and none lost with a worker or a receiver that is down."""

import hashlib
import hmac
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.repository import lifecycle, workers
from tests.patience import wait_until
from tests.repository.given import a_running_execution, a_worker, a_workflow
from tests.workflows import no_op, node, stored

pytestmark = pytest.mark.slow

SECRET = "a long secret"


class Receiver:
    """Keeps what it is sent, and answers with the next of `statuses`, then with 204."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: list[int] = []
        self.received: list[tuple[str, bytes]] = []
        self.before_answer: Callable[[], None] = lambda: None

    def wait_for(self, number: int) -> list[dict]:
        wait_until(lambda: len(self.received) >= number, lambda: self.received)
        return [json.loads(body) for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append((self.headers["X-Executions-Signature"], body))
            kept.before_answer()
            self.send_response(kept.statuses.pop(0) if kept.statuses else 204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(f"http://127.0.0.1:{server.server_port}/failed")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


def settings(receiver: Receiver) -> dict[str, str]:
    return {"EXECUTIONS_FAILURE_WEBHOOK": receiver.url, "EXECUTIONS_FAILURE_SECRET": SECRET}


def open_notices(queue) -> list[int]:
    return [row[0] for row in queue.connection.execute("SELECT execution_id FROM failure_notices ORDER BY id")]


def failing() -> bytes:
    return stored(node("Stop", "stopAndError", {"errorMessage": "Out of paper"}), no_op())


def test_a_failure_is_told_with_a_signature_and_a_success_is_not(queue, start_worker, receiver) -> None:
    queue.save(failing())
    queue.save(stored(no_op()), "fine")
    began = int(time.time())
    start_worker(**settings(receiver))
    ids = queue.add() + queue.add("fine")
    queue.wait_for(ids)
    [notice] = receiver.wait_for(1)
    assert notice["event"] == "execution.failed"
    told = notice["execution"]
    assert (told["id"], told["workflowId"], told["status"]) == (str(ids[0]), "w1", "error")
    assert told["error"] == {"node": "Stop", "message": "Out of paper"}
    assert told["stoppedAt"].endswith("Z")
    header, body = receiver.received[0]
    timestamp, digest = (part.split("=")[1] for part in header.split(","))
    assert began <= int(timestamp) <= time.time()
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, expected)
    wait_until(lambda: not open_notices(queue))


def test_a_notice_that_was_refused_is_sent_again(queue, start_worker, receiver) -> None:
    receiver.statuses = [500, 302]
    queue.save(failing())
    start_worker(**settings(receiver))
    [began] = queue.connection.execute("SELECT clock_timestamp()").fetchone()
    [failed] = queue.add()
    for attempt in (1, 2):
        receiver.wait_for(attempt)
        assert open_notices(queue) == [failed]
        [due, now] = queue.connection.execute(
            "SELECT next_attempt_at, clock_timestamp() FROM failure_notices"
        ).fetchone()
        assert began <= due - timedelta(seconds=15 * 2**attempt) <= now
        began = now
        queue.connection.execute("UPDATE failure_notices SET next_attempt_at = clock_timestamp()")
    first, second, third = receiver.wait_for(3)
    assert first == second == third


def test_a_notice_whose_worker_is_killed_before_it_knows_of_the_answer_is_sent_again(
    queue, start_worker, receiver
) -> None:
    queue.save(failing())
    worker = start_worker(**settings(receiver))
    receiver.before_answer = lambda: os.kill(worker.pid, signal.SIGKILL)
    [failed] = queue.add()
    receiver.wait_for(1)
    worker.stop()
    assert open_notices(queue) == [failed]
    receiver.before_answer = lambda: None
    queue.connection.execute("UPDATE failure_notices SET next_attempt_at = clock_timestamp()")
    start_worker(**settings(receiver))
    first, second = receiver.wait_for(2)
    assert first == second


def test_an_execution_that_was_given_up_is_told_of_too(queue, start_worker, receiver, connection) -> None:
    a_workflow(connection)
    execution_id = a_running_execution(connection, a_worker(connection))
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
    connection.commit()
    start_worker(**settings(receiver))
    [notice] = receiver.wait_for(1)
    assert (notice["execution"]["id"], notice["execution"]["status"]) == (str(execution_id), "crashed")


def test_the_notice_is_written_with_the_end_or_not_at_all(queue, connection) -> None:
    a_workflow(connection)
    workers.register(connection, hostname="h", pid=1, concurrency=1, sends_notices=True)
    a_running_execution(connection, a_worker(connection))
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE NOT sends_notices")
    connection.commit()
    assert lifecycle.reap(connection, lease_seconds=60)
    assert connection.execute("SELECT count(*) FROM failure_notices").fetchone() == (1,)
    connection.rollback()
    assert open_notices(queue) == []


def test_where_nobody_sends_them_no_notices_pile_up(queue, start_worker) -> None:
    queue.save(failing())
    start_worker()
    [failed] = queue.wait_for(queue.add())
    assert failed.status == "error"
    assert open_notices(queue) == []
