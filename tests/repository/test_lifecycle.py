"""Single steps of the state machine that random actors meet too seldom to be relied on."""

import pytest

from app.repository import deletions, executions, lifecycle, retries, triggers
from app.repository.errors import CannotDelete, CannotRetry
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Failure, Result, StartInput
from tests.repository.given import (
    DATA,
    a_new_execution,
    a_running_execution,
    a_worker,
    a_workflow,
    an_ended_execution,
)


@pytest.fixture
def worker_id(connection) -> int:
    a_workflow(connection)
    return a_worker(connection)


def test_a_worker_is_not_given_up_in_the_middle_of_a_claim(connect, connection, worker_id) -> None:
    execution_id = a_new_execution(connection)
    silence = "UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s"
    connection.execute(silence, [worker_id])
    connection.commit()
    claiming = connect()
    assert [claim.id for claim in lifecycle.claim(claiming, worker_id, 1)] == [execution_id]
    assert lifecycle.reap(connection, lease_seconds=30) == []
    stopped = "SELECT stopped_at IS NOT NULL FROM workers WHERE id = %s"
    assert connection.execute(stopped, [worker_id]).fetchone() == (False,)
    connection.commit()
    claiming.commit()
    assert lifecycle.reap(connection, lease_seconds=30) == [execution_id]


def test_one_that_runs_keeps_all_from_being_deleted(connection, worker_id) -> None:
    ended = an_ended_execution(connection, worker_id)
    running = a_running_execution(connection, worker_id)
    with pytest.raises(CannotDelete):
        deletions.delete_executions(connection, ExecutionFilter(ids=(ended, running)))
    assert len(executions.get_executions(connection, [ended, running])) == 2


def test_a_success_is_linked_to_every_execution_that_it_mends(connection, worker_id) -> None:
    first = an_ended_execution(connection, worker_id)
    second = retries.retry(connection, first, load_workflow=False)
    lifecycle.claim(connection, worker_id, 1)
    lifecycle.finish(connection, worker_id, [Result(second, "error", "retry", DATA, error_message="again")])
    third = retries.retry(connection, second, load_workflow=False)
    lifecycle.claim(connection, worker_id, 1)
    lifecycle.finish(connection, worker_id, [Result(third, "success", "retry", DATA)])
    chain = executions.get_executions(connection, [first, second, third])
    assert [e.retry_success_id for e in chain] == [None, third, third]


def test_a_retry_starts_with_the_input_of_its_original(connection, worker_id) -> None:
    original = a_new_execution(connection, start=StartInput("Start", b'[{"json":{"a":1}}]'))
    lifecycle.stop(connection, original)
    retry_id = retries.retry(connection, original, load_workflow=False)
    given = executions.read_inputs(connection, [retry_id])[retry_id]
    assert (given.start_node, given.items) == ("Start", b'[{"json":{"a":1}}]')


def test_a_retry_of_the_current_version_needs_the_workflow(connection, worker_id) -> None:
    original = an_ended_execution(connection, worker_id)
    connection.execute("DELETE FROM workflows")
    with pytest.raises(CannotRetry, match="no longer exists"):
        retries.retry(connection, original, load_workflow=True)
    assert retries.retry(connection, original, load_workflow=False) > original


def test_what_a_workflow_wants_forgotten_is_not_kept(connection, worker_id) -> None:
    execution_id = a_running_execution(connection, worker_id)
    result = Result(execution_id, "success", "manual", DATA, keep=False)
    assert lifecycle.finish(connection, worker_id, [result]) == {execution_id}
    assert executions.get_executions(connection, [execution_id]) == []


def test_a_run_out_of_time_is_canceled_by_its_worker(connection, worker_id) -> None:
    execution_id = a_running_execution(connection, worker_id)
    lifecycle.finish(connection, worker_id, [Result(execution_id, "canceled", "manual", DATA)])
    execution = executions.get_execution(connection, execution_id)
    assert (execution.status, execution.json_size_bytes) == ("canceled", len(DATA))


@pytest.mark.parametrize("failure", [None, Failure({"message": "x"})])
def test_an_end_with_an_answer_that_fills_every_buffer_is_recorded(connection, worker_id, failure) -> None:
    execution_id = a_running_execution(connection, worker_id)
    answer = b'"' + b"v" * 16 * 2**20 + b'"'
    result = Result(execution_id, "success", "manual", DATA, answer=answer, awaited=True, failure=failure)
    assert lifecycle.finish(connection, worker_id, [result]) == {execution_id}
    assert triggers.read_answer_state(connection, execution_id).answer == answer
