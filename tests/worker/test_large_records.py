"""What is large goes to PostgreSQL beside all else: while it is written, others end, begin and beat."""

import base64
import os

import orjson
import pytest

from app.worker.database import LARGE_BYTES
from tests.patience import wait_until
from tests.workflows import no_op, node, stored

pytestmark = pytest.mark.slow

WAITING = "SELECT a.pid FROM pg_stat_activity AS a WHERE %s = ANY(pg_blocking_pids(a.pid))"


def item(text: str) -> bytes:
    return orjson.dumps([{"json": {"text": text}}])


def test_while_a_large_record_is_written_others_begin_and_end(queue, start_worker, connect) -> None:
    queue.save(stored(no_op()))
    random = base64.b64encode(os.urandom(LARGE_BYTES * 9 // 8)).decode()  # a record of it cannot be made small
    [large] = queue.add(items=item(random))
    holding = connect()
    holding.execute("SET session_replication_role = replica")  # no foreign key: its execution can be claimed
    holding.execute("INSERT INTO execution_data (execution_id, encoding, encoded) VALUES (%s, 'identity', '')", [large])

    def writers() -> set[int]:
        return {pid for (pid,) in queue.connection.execute(WAITING, [holding.info.backend_pid])}

    worker = start_worker()
    [writer] = wait_until(writers, worker.log_tail)
    assert {execution.status for execution in queue.wait_for(queue.add(number=3))} == {"success"}
    queue.connection.execute("SELECT pg_terminate_backend(%s)", [writer])
    wait_until(lambda: writers() - {writer}, "it is not written again over another connection")
    assert {execution.status for execution in queue.wait_for(queue.add(number=3))} == {"success"}
    assert queue.get(large).status == "running"
    holding.rollback()
    assert [execution.status for execution in queue.wait_for([large])] == ["success"]
    assert queue.ran(large) == {"Start": ["success"], "Done": ["success"]}


@pytest.mark.parametrize("waits", [True, False])
def test_while_large_items_of_sub_workflows_are_written_others_begin_and_end(
    queue, start_worker, connect, waits
) -> None:
    """As many as the worker has threads for all else, and one more."""
    called = {"__rl": True, "mode": "id", "value": "called"}
    call = node("Call", "executeWorkflow", {"workflowId": called, "options": {"waitForSubWorkflow": waits}}, 1.2)
    trigger = node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    queue.save(stored(no_op(), trigger=trigger), "called")
    queue.save(stored(call), "calls")
    queue.save(stored(no_op()), "small")
    large = queue.add("calls", 5, items=item("x" * LARGE_BYTES))
    holding = connect()
    holding.execute("LOCK TABLE execution_inputs IN EXCLUSIVE MODE")
    worker = start_worker()
    wait_until(lambda: queue.connection.execute(WAITING, [holding.info.backend_pid]).fetchall(), worker.log_tail)
    queue.wait_for(large, ["running"])
    assert {execution.status for execution in queue.wait_for(queue.add("small", 3))} == {"success"}
    assert {queue.get(each).status for each in large} == {"running"}
    holding.rollback()
    assert {execution.status for execution in queue.wait_for(large)} == {"success"}
