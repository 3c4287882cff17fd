"""Workers that die, fall silent or are told to go: nothing is lost, nothing runs twice, the queue goes on."""

import os
import signal
import time

import pytest

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.worker.conftest import LEASE
from tests.workflows import no_op, stored, wait

pytestmark = pytest.mark.slow


def test_a_killed_workers_executions_crash_and_the_queue_goes_on(queue, start_worker) -> None:
    queue.save(stored(wait(60)), "long")
    queue.save(stored(no_op()), "short")
    doomed = start_worker(EXECUTIONS_CONCURRENCY=20, **LEASE)
    held = queue.add("long", 20)
    queue.wait_for(held, ["running"])
    queued = queue.add("short", 10)
    start_worker(**LEASE)
    os.kill(doomed.pid, signal.SIGKILL)
    crashed = queue.wait_for(held)
    assert {execution.status for execution in crashed} == {"crashed"}
    assert {execution.error_message for execution in crashed} == {"The worker that ran this execution was lost"}
    assert {execution.status for execution in queue.wait_for(queued)} == {"success"}
    ends = queue.connection.execute("SELECT sum(value) FROM counters WHERE name = 'executions_ended'").fetchone()[0]
    assert ends == 30, "each execution ended once"


def test_a_worker_that_was_silent_too_long_starts_anew(queue, start_worker) -> None:
    """Stopped like a laptop's lid: what it held has crashed, its late results are dropped, and it works again."""
    queue.save(stored(wait(3)))
    sleeper = start_worker(**LEASE)
    watcher = start_worker(EXECUTIONS_CONCURRENCY=1, **LEASE)
    [mine] = queue.add()
    queue.wait_for([mine], ["running"])
    holder = queue.connection.execute(
        "SELECT w.pid FROM executions e JOIN workers w ON w.id = e.worker_id WHERE e.id = %s", [mine]
    ).fetchone()[0]
    silent = sleeper if sleeper.pid == holder else watcher
    os.kill(silent.pid, signal.SIGSTOP)
    try:
        assert queue.wait_for([mine])[0].status == "crashed"
    finally:
        os.kill(silent.pid, signal.SIGCONT)
    anew = "SELECT count(*) > 1 AND bool_or(stopped_at IS NULL) FROM workers WHERE pid = %s"
    wait_until(lambda: queue.connection.execute(anew, [silent.pid]).fetchone()[0], silent.log_tail)
    assert queue.get(mine).status == "crashed", "nothing leaves crashed"
    assert {e.status for e in queue.wait_for(queue.add(number=10))} == {"success"}
    alive = "SELECT count(DISTINCT pid) FROM workers WHERE stopped_at IS NULL"
    assert queue.connection.execute(alive).fetchone()[0] == 2


def test_a_worker_told_to_go_finishes_or_hands_over(queue, start_worker) -> None:
    queue.save(stored(wait(1)), "short")
    queue.save(stored(no_op("First"), wait(15), no_op("Last")), "long")
    leaving = start_worker(EXECUTIONS_CONCURRENCY=20)
    short, long = queue.add("short", 5), queue.add("long", 5)
    queue.wait_for(short + long, ["running"])
    assert leaving.stop(PATIENCE_SECONDS) == 0
    assert {execution.status for execution in queue.wait_for(short)} == {"success"}
    assert {execution.status for execution in queue.wait_for(long, ["waiting"])} == {"waiting"}
    start_worker()
    for execution in queue.wait_for(long):
        assert execution.status == "success"
        assert queue.ran(execution.id) == {name: ["success"] for name in ("Start", "First", "Wait", "Last")}


def test_an_idle_worker_goes_at_once(queue, start_worker) -> None:
    """It does not sleep on until it would have looked for work again."""
    worker = start_worker(EXECUTIONS_POLL_SECONDS=3600)
    assert worker.stop(PATIENCE_SECONDS) == 0


def test_what_a_lapsed_lease_cut_short_has_crashed(queue, start_worker, connect) -> None:
    """The worker gives up by itself, before anybody else says so; nobody has canceled what it ran."""
    queue.save(stored(wait(60)))
    start_worker(EXECUTIONS_CONCURRENCY=1, EXECUTIONS_HEARTBEAT_SECONDS=0.2, EXECUTIONS_LEASE_SECONDS=1)
    [held] = queue.add()
    queue.wait_for([held], ["running"])
    silence = connect()
    silence.execute("SELECT FROM workers FOR UPDATE")  # no heartbeat, and no reaper, gets past this
    time.sleep(2)
    silence.rollback()
    assert queue.wait_for([held])[0].status == "crashed"
