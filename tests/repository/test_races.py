"""Two of everything at the same moment, from connections of their own: exactly one gets its way."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.errors import LockNotAvailable

from app.repository import deletions, executions, idempotency, lifecycle, retries, workers
from app.repository.errors import CannotDelete, CannotRetry, CannotStop, IdempotencyKeyReused
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Result
from tests.repository.given import (
    DATA,
    a_new_execution,
    a_running_execution,
    a_worker,
    a_workflow,
    an_ended_execution,
)


def at_once(connect, *actions):
    """Run the actions at the same moment, each on a connection and in a transaction of its own."""
    barrier = threading.Barrier(len(actions))

    def act(action):
        with connect_in_thread() as connection:
            barrier.wait()
            try:
                with connection.transaction():
                    return action(connection)
            except Exception as error:
                return error

    lock = threading.Lock()

    def connect_in_thread():
        with lock:
            return connect()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))


@pytest.fixture
def worker_id(connection) -> int:
    a_workflow(connection)
    return a_worker(connection)


@pytest.mark.parametrize("attempt", range(5))
def test_one_of_two_retries(connect, connection, worker_id, attempt: int) -> None:
    original = an_ended_execution(connection, worker_id)

    def retry(c):
        return retries.retry(c, original, load_workflow=False)

    answers = at_once(connect, retry, retry, retry)
    [retry_id] = [a for a in answers if isinstance(a, int)]
    refusals = [a for a in answers if isinstance(a, CannotRetry)]
    assert len(refusals) == 2
    assert all(str(retry_id) in refusal.message for refusal in refusals)


@pytest.mark.parametrize("attempt", range(5))
def test_a_stop_and_a_finish(connect, connection, worker_id, attempt: int) -> None:
    execution_id = a_running_execution(connection, worker_id)
    result = Result(execution_id, "success", "manual", DATA)
    stopped, recorded = at_once(
        connect, lambda c: lifecycle.stop(c, execution_id), lambda c: lifecycle.finish(c, worker_id, [result])
    )
    status = executions.get_execution(connection, execution_id).status
    if recorded == {execution_id}:
        assert isinstance(stopped, CannotStop)
        assert status == "success"
    else:
        assert stopped is None
        assert status == "canceled"


def test_two_workers_claim_different_executions(connect, connection, worker_id) -> None:
    other = a_worker(connection)
    queued = {a_new_execution(connection) for _ in range(40)}
    claimed = at_once(
        connect, *[lambda c, w=w: [x.id for x in lifecycle.claim(c, w, 10)] for w in (worker_id, other) * 2]
    )
    everything = [execution_id for ids in claimed for execution_id in ids]
    assert len(everything) == len(set(everything))
    assert set(everything) <= queued


@pytest.mark.parametrize("attempt", range(5))
def test_a_claim_and_the_reaping_of_its_worker(connect, connection, worker_id, attempt: int) -> None:
    """Whichever comes first, no execution is left running with a worker that was given up."""
    a_new_execution(connection)
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [worker_id])
    connection.commit()
    at_once(connect, lambda c: lifecycle.claim(c, worker_id, 5), lambda c: lifecycle.reap(c, lease_seconds=30))
    lifecycle.reap(connection, lease_seconds=30)
    connection.commit()
    orphans = connection.execute(
        "SELECT count(*) FROM executions e JOIN workers w ON w.id = e.worker_id"
        " WHERE e.status = 'running' AND w.stopped_at IS NOT NULL"
    ).fetchone()[0]
    assert orphans == 0


@pytest.mark.parametrize("take", [workers.hold_lease, lambda c, worker_id: lifecycle.claim(c, worker_id, 1)])
def test_a_worker_is_not_given_up_while_it_takes_something_and_beats_meanwhile(
    connect, connection, worker_id, take
) -> None:
    """What it takes may begin with more than PostgreSQL stores within a lease."""
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [worker_id])
    connection.commit()
    take(connect(), worker_id)
    other = connect(autocommit=True)
    other.execute("SET lock_timeout = '10ms'")
    assert lifecycle.reap(other, lease_seconds=30) == []
    with pytest.raises(LockNotAvailable):
        workers.retire(other, worker_id)
    assert workers.heartbeat(other, worker_id)


@pytest.mark.parametrize("attempt", range(5))
def test_a_claim_and_a_delete(connect, connection, worker_id, attempt: int) -> None:
    execution_id = a_new_execution(connection)
    claimed, deleted = at_once(
        connect,
        lambda c: [x.id for x in lifecycle.claim(c, worker_id, 1)],
        lambda c: deletions.delete_executions(c, ExecutionFilter(ids=(execution_id,))),
    )
    if claimed:
        assert isinstance(deleted, CannotDelete)
    else:
        assert deleted == 1


def test_two_reapers_give_up_an_execution_once(connect, connection, worker_id) -> None:
    ids = [a_running_execution(connection, worker_id) for _ in range(10)]
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [worker_id])
    connection.commit()
    answers = at_once(connect, *[lambda c: lifecycle.reap(c, lease_seconds=30)] * 3)
    assert sorted(i for answer in answers for i in answer) == ids


def test_the_same_idempotency_key_at_the_same_moment(connect, connection, worker_id) -> None:
    """One acts; the other waits for it and gets its answer."""
    api_key = connection.execute(
        "INSERT INTO api_keys (label, key_sha256, scopes) VALUES ('k', sha256('k'), '{*}') RETURNING id"
    ).fetchone()[0]
    connection.commit()
    acted = []

    def call(c):
        answer = idempotency.first_answer(c, api_key, "key-1", b"request")
        if answer is None:
            acted.append(1)
            idempotency.remember(c, api_key, "key-1", b"the answer")
        return answer

    answers = at_once(connect, call, call, call)
    assert sum(acted) == 1
    assert sorted(answers, key=str) == sorted([None, b"the answer", b"the answer"], key=str)
    with pytest.raises(IdempotencyKeyReused):
        idempotency.first_answer(connection, api_key, "key-1", b"another request")


def test_two_stops_and_a_stop_of_many(connect, connection, worker_id) -> None:

    ids = [a_new_execution(connection) for _ in range(20)]
    many = ExecutionFilter(statuses=("new",))
    answers = at_once(
        connect,
        lambda c: lifecycle.stop_many(c, many),
        lambda c: lifecycle.stop_many(c, many),
        lambda c: lifecycle.stop(c, ids[7]),
    )
    stopped = [number for many in answers[:2] for number in many] + [ids[7]] * (answers[2] is None)
    assert sorted(stopped) == ids
