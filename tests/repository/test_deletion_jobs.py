"""A deletion in the background: step by step, what was there when it was asked for, and nothing that runs."""

from datetime import UTC, datetime, timedelta

import pytest

from app.repository import deletion_jobs, lifecycle
from app.repository.errors import CannotDelete, DeletionJobNotFound
from app.repository.execution_filters import ExecutionFilter
from tests.repository.given import a_new_execution, a_running_execution, a_worker, a_workflow, an_ended_execution


@pytest.fixture
def worker_id(connection) -> int:
    a_workflow(connection)
    return a_worker(connection)


def left(connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM executions ORDER BY id")]


def steps(connection, size: int) -> list[int]:
    done = []
    while (deleted := deletion_jobs.delete_some(connection, size=size)) is not None:
        done.append(deleted)
        connection.commit()
    return done


def test_it_goes_on_step_by_step_and_says_how_far_it_is(connection, worker_id) -> None:
    errors = [an_ended_execution(connection, worker_id) for _ in range(5)]
    kept = an_ended_execution(connection, worker_id, "success")
    job_id = deletion_jobs.create_deletion_job(connection, ExecutionFilter(statuses=("error",)))
    later = an_ended_execution(connection, worker_id)
    assert deletion_jobs.delete_some(connection, size=2) == 2
    job = deletion_jobs.get_deletion_job(connection, job_id)
    assert (job.deleted, job.finished_at) == (2, None)
    assert left(connection) == [*errors[:3], kept, later]
    assert steps(connection, 2) == [2, 1]
    job = deletion_jobs.get_deletion_job(connection, job_id)
    assert (job.deleted, job.finished_at is None) == (5, False)
    assert left(connection) == [kept, later]


def test_what_runs_when_its_turn_comes_is_left(connection, worker_id) -> None:
    queued = a_new_execution(connection)
    ended = a_new_execution(connection, mode="webhook")
    lifecycle.stop(connection, ended)
    deletion_jobs.create_deletion_job(connection, ExecutionFilter(workflow_ids=("w1",)))
    connection.commit()
    assert [claim.id for claim in lifecycle.claim(connection, worker_id, 1)] == [queued]
    assert steps(connection, 10) == [1]
    assert left(connection) == [queued]


def test_it_is_refused_while_one_of_them_runs(connection, worker_id) -> None:
    a_running_execution(connection, worker_id)
    for wanted in (ExecutionFilter(), ExecutionFilter(workflow_ids=("w1",))):
        with pytest.raises(CannotDelete):
            deletion_jobs.create_deletion_job(connection, wanted)
    assert deletion_jobs.create_deletion_job(connection, ExecutionFilter(statuses=("error",)))


def test_two_workers_do_not_do_the_same_step(connect, connection, worker_id) -> None:
    an_ended_execution(connection, worker_id)
    deletion_jobs.create_deletion_job(connection, ExecutionFilter(statuses=("error",)))
    connection.commit()
    other = connect()
    assert deletion_jobs.delete_some(other) == 1
    assert deletion_jobs.delete_some(connection) is None


def test_a_key_sees_the_jobs_of_its_project(connection, worker_id) -> None:
    job_id = deletion_jobs.create_deletion_job(connection, ExecutionFilter(visible_project="other"))
    assert deletion_jobs.get_deletion_job(connection, job_id, project_id="other").id == job_id
    with pytest.raises(DeletionJobNotFound):
        deletion_jobs.get_deletion_job(connection, job_id, project_id="default")


def test_a_filter_survives_being_stored(connection, worker_id) -> None:
    now = datetime.now(UTC)
    an_ended_execution(connection, worker_id)
    connection.execute("UPDATE executions SET created_at = %(t)s, started_at = %(t)s", {"t": now - timedelta(days=31)})
    recent = an_ended_execution(connection, worker_id)
    wanted = ExecutionFilter(statuses=("error",), modes=("manual",), started_before=now - timedelta(days=30))
    deletion_jobs.create_deletion_job(connection, wanted)
    assert steps(connection, 10) == [1]
    assert left(connection) == [recent]
