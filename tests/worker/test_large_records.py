"""What is large goes to PostgreSQL beside all else: while it is written, others end, begin and beat."""

import base64
import os
import sys

import orjson
import pytest

from app.repository import lifecycle
from app.worker.database import LARGE_BYTES
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.worker.conftest import REACH
from tests.worker.losing_cable import LosingCable
from tests.worker.test_sub_workflows import call, child
from tests.worker.test_waiting_sub_workflows import FOR_A_CALL
from tests.workflows import call_out, no_op, node, set_field, stored, wait

pytestmark = pytest.mark.slow

WAITING = "SELECT a.pid FROM pg_stat_activity AS a WHERE %s = ANY(pg_blocking_pids(a.pid))"
CLAIMING = f"{WAITING} AND a.query LIKE '%%FOR KEY SHARE OF w%%'"


def item(text: str) -> bytes:
    return orjson.dumps([{"json": {"text": text}}])


def incompressible() -> str:
    """A text of which a record cannot be made small."""
    return base64.b64encode(os.urandom(LARGE_BYTES * 9 // 8)).decode()


def test_while_a_large_record_is_written_others_begin_and_end(queue, start_worker, connect) -> None:
    """But for the execution that it is a part of: that one ends after it."""
    queue.save(stored(no_op()))
    nothing = node("Nothing", "set", {"mode": "raw", "jsonOutput": "{}"}, 3.4)
    queue.save(child(set_field("text", incompressible()), nothing), "child")
    queue.save(stored(call("child")), "parent")
    [parent] = queue.add("parent")
    large = parent + 1
    holding = connect()
    keep_from_recording(holding, large)

    def writers() -> set[int]:
        return {pid for (pid,) in queue.connection.execute(WAITING, [holding.info.backend_pid])}

    worker = start_worker()
    [writer] = wait_until(writers, worker.log_tail)
    assert {execution.status for execution in queue.wait_for(queue.add(number=3))} == {"success"}
    queue.connection.execute("SELECT pg_terminate_backend(%s)", [writer])
    wait_until(lambda: writers() - {writer}, "it is not written again over another connection")
    assert {execution.status for execution in queue.wait_for(queue.add(number=3))} == {"success"}
    assert {queue.get(each).status for each in (parent, large)} == {"running"}
    holding.rollback()
    assert {execution.status for execution in queue.wait_for([parent, large])} == {"success"}
    assert queue.ran(large) == {"Start": ["success"], "Edit": ["success"], "Nothing": ["success"]}


def keep_from_recording(holding, execution_id: int) -> None:
    """Let what records this execution's data wait, while the execution may begin."""
    holding.execute("SET session_replication_role = replica")  # no foreign key: its execution can be claimed
    holding.execute(
        "INSERT INTO execution_data (execution_id, encoding, encoded) VALUES (%s, 'identity', '')", [execution_id]
    )


def test_a_worker_told_to_go_hands_over_a_parent_before_the_large_record_of_its_child(
    queue, start_worker, connect, outside
) -> None:
    """There may be no time for that one, and the next worker starts the child anew."""
    begun = call_out(f"{outside.address}/begun")
    queue.save(child(set_field("text", incompressible()), begun, wait(60)), "child")
    queue.save(stored(call("child"), no_op()), "parent")
    [parent] = queue.add("parent")
    holding = connect()
    keep_from_recording(holding, parent + 1)
    leaving = start_worker(**REACH)
    wait_until(lambda: outside.calls["/begun"], leaving.log_tail)
    leaving.ask_to_stop()
    queue.wait_for([parent], ["waiting"])
    assert queue.get(parent + 1).status == "running"
    holding.rollback()
    assert leaving.stop(PATIENCE_SECONDS) == 0


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
    lose_the_answer_to_a_claim(queue, connect)
    assert {execution.status for execution in queue.wait_for(queue.add("small", 3))} == {"success"}
    assert {queue.get(each).status for each in large} == {"running"}
    holding.rollback()
    assert {execution.status for execution in queue.wait_for(large)} == {"success"}


def test_while_large_items_wait_to_be_read_others_begin_and_end(queue, start_worker, connect, outside) -> None:
    """What the claim has left out is read after what else is large, and a run goes on with all of it."""
    queue.save(stored(no_op()), "small")
    with connect() as holding:
        worker = start_worker(**REACH)
        writes, reads, text = one_that_writes_and_one_that_reads(queue, holding, outside, worker)
        assert {execution.status for execution in queue.wait_for(queue.add("small", 3))} == {"success"}
        assert (queue.get(reads).status, outside.calls["/begun"]) == ("running", 0)
    assert {execution.status for execution in queue.wait_for([writes, reads])} == {"success"}
    assert begun_with(queue, reads) == {"text": text}


def test_a_worker_told_to_go_hands_over_while_large_items_wait_to_be_read(
    queue, start_worker, connect, outside
) -> None:
    """Also those who have them, before they are read; the next worker reads all of them."""
    queue.save(stored(wait(60)), "waits")
    with connect() as holding:
        command = [sys.executable, "-m", "tests.worker.leave_at_once"]
        worker = start_worker(command=command, LEAVE_SECONDS=PATIENCE_SECONDS, **REACH)
        _, reads, text = one_that_writes_and_one_that_reads(queue, holding, outside, worker)
        [waits] = queue.add("waits")
        queue.wait_for([waits], ["running"])
        worker.ask_to_stop()
        queue.wait_for([waits, reads], ["waiting"])
        assert worker.stop(PATIENCE_SECONDS) == 0
    assert outside.calls["/begun"] == 0
    start_worker(**REACH)
    assert [execution.status for execution in queue.wait_for([reads])] == ["success"]
    assert begun_with(queue, reads) == {"text": text}


def one_that_writes_and_one_that_reads(queue, holding, outside, worker) -> tuple[int, int, str]:
    """An execution that sends large items, which wait for `holding`, and one that is to read such items after that."""
    called = {"__rl": True, "mode": "id", "value": "called"}
    call = node("Call", "executeWorkflow", {"workflowId": called, "options": {"waitForSubWorkflow": False}}, 1.2)
    trigger = node("Start", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    queue.save(stored(no_op(), trigger=trigger), "called")
    queue.save(stored(call), "calls")
    queue.save(stored(call_out(f"{outside.address}/begun"), no_op()), "reads")
    text = incompressible()
    holding.execute("SELECT FROM workflow_versions WHERE workflow_id = 'called' FOR UPDATE")
    [writes] = queue.add("calls", items=item(text))
    wait_until(lambda: queue.connection.execute(WAITING, [holding.info.backend_pid]).fetchall(), worker.log_tail)
    [reads] = queue.add("reads", items=item(text))
    queue.wait_for([reads], ["running"])
    return writes, reads, text


def begun_with(queue, execution_id: int) -> object:
    [start] = queue.data(execution_id)["resultData"]["runData"]["Start"]
    return start["data"]["main"][0][0]["json"]


def lose_the_answer_to_a_claim(queue, connect) -> None:
    with connect() as holding:
        holding.execute("LOCK TABLE node_packages_revision")
        queue.add("small")
        [(claiming,)] = wait_until(lambda: queue.connection.execute(CLAIMING, [holding.info.backend_pid]).fetchall())
        queue.connection.execute("SELECT pg_terminate_backend(%s)", [claiming])


def test_what_waits_goes_on_once_although_the_answer_to_its_large_record_was_lost(
    queue, start_worker, database_url
) -> None:
    """It is sent once more while the wait is over: what goes on begins when that has come to nothing."""
    queue.save(stored(FOR_A_CALL, no_op()), "large")
    queue.save(stored(no_op()), "small")
    cable = LosingCable(database_url, lambda _, sent: sent > LARGE_BYTES)
    try:
        worker = start_worker(DATABASE_URL=cable.url)
        [large] = queue.add("large", items=item(incompressible()))
        wait_until(lambda: cable.kept_back)
        assert queue.get(large).status == "waiting"
        with queue.connection.transaction():
            lifecycle.resume_by_webhook(queue.connection, large, b'[{"json":{"said":"yes"}}]')
        assert {execution.status for execution in queue.wait_for(queue.add("small", 3))} == {"success"}
        assert queue.get(large).status == "waiting"
        cable.deliver()
        assert [execution.status for execution in queue.wait_for([large])] == ["success"]
        assert queue.ran(large) == {"Start": ["success"], "Wait": ["success"], "Done": ["success"]}
        [done] = queue.data(large)["resultData"]["runData"]["Done"]
        assert done["data"]["main"] == [[{"json": {"said": "yes"}, "pairedItem": {"item": 0}}]]
        assert worker.stop(PATIENCE_SECONDS) == 0
    finally:
        cable.close()
