"""Hosts whose clocks are minutes off: what waits and what is due goes by PostgreSQL's clock alone."""

import pytest

from tests import clocks
from tests.worker.conftest import Queue
from tests.workflows import chain, node, stored, wait

MINUTES = 7 * 60
WAIT_SECONDS = 70  # long enough to be written down

pytestmark = pytest.mark.skipif(clocks.library() is None, reason="libfaketime cannot be loaded here")


@pytest.fixture
def queue(connect) -> Queue:
    return Queue(connect(autocommit=True))


def test_a_wait_is_as_long_as_it_says(queue: Queue, start_worker) -> None:
    queue.save(stored(wait(WAIT_SECONDS)))
    start_worker(**clocks.shifted(MINUTES))
    [execution_id] = queue.add()
    queue.wait_for([execution_id], ["waiting"])
    left = "SELECT extract(epoch FROM wait_till - clock_timestamp())::float FROM executions WHERE id = %s"
    assert WAIT_SECONDS - 10 < queue.connection.execute(left, [execution_id]).fetchone()[0] <= WAIT_SECONDS


def test_a_schedule_is_not_due_before_its_time(queue: Queue, start_server) -> None:
    """A workflow is activated at a host whose clock is slow: the time before has passed already."""
    server = start_server(**clocks.shifted(-MINUTES))
    rule = {"interval": [{"field": "minutes", "minutesInterval": 1}]}
    document = chain(node("Each minute", "scheduleTrigger", {"rule": rule}), settings={"executionOrder": "v1"})
    workflow_id = server.post("/api/v1/workflows", document).body["id"]
    [before] = queue.connection.execute("SELECT clock_timestamp()").fetchone()
    assert server.post(f"/api/v1/workflows/{workflow_id}/activate").status == 200
    due = "SELECT next_at > %s AND next_at <= clock_timestamp() + interval '1 minute' FROM schedules"
    assert queue.connection.execute(due, [before]).fetchone() == (True,)
