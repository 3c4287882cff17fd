"""Retries in the background: step by step, what failed when they were asked for, with the guards of a single retry."""

import pytest

from app.repository import lifecycle, retries, retry_jobs
from app.repository.errors import RetryJobNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import get_execution
from app.repository.restarts import AT_FAILURE, Checked, NodeRun, Restart
from tests.repository.given import a_new_execution, a_worker, a_workflow, an_ended_execution


@pytest.fixture
def worker_id(connection) -> int:
    a_workflow(connection)
    return a_worker(connection)


def allow(connection, ids, restart: Restart) -> Checked:
    """Every place is there."""
    return Checked({})


def begin(connection, restart: Restart = AT_FAILURE, **wanted) -> int:
    return retry_jobs.create_retry_job(connection, ExecutionFilter(**wanted), load_workflow=False, restart=restart)


def test_it_goes_on_step_by_step_and_says_what_became_of_each(connection, worker_id) -> None:
    failed = [an_ended_execution(connection, worker_id) for _ in range(5)]
    kept = an_ended_execution(connection, worker_id, "success")
    in_flight = retries.retry(connection, failed[1], load_workflow=False)
    job_id = begin(connection)
    later = a_new_execution(connection)
    lifecycle.stop(connection, later)
    steps = []
    while (looked_at := retry_jobs.retry_some(connection, allow, size=2)) is not None:
        steps.append(looked_at)
    assert steps == [2, 2, 1]
    job = retry_jobs.get_retry_job(connection, job_id)
    assert (job.matched, job.retried, job.refused, job.finished_at is None) == (5, 4, 1, False)
    results = retry_jobs.read_results(connection, job_id, limit=9)
    assert [one.id for one in results] == failed[::-1]
    assert results[3].message == f"A retry of this execution is still in flight: execution {in_flight}"
    for one in results[:3]:
        assert get_execution(connection, one.retry_id).retry_of == one.id
    assert retry_jobs.read_results(connection, job_id, limit=1, before=failed[2])[0].id == failed[1]
    assert not {kept, later} & {one.id for one in results}


def test_two_that_ask_for_the_same_at_once_get_one_retry_of_each(connection, worker_id) -> None:
    failed = [an_ended_execution(connection, worker_id) for _ in range(3)]
    earlier = retries.retry(connection, failed[0], load_workflow=False)
    lifecycle.stop(connection, earlier)
    connection.commit()
    jobs = [begin(connection, statuses=("error",)) for _ in range(2)]
    connection.commit()
    while retry_jobs.retry_some(connection, allow) is not None:
        lifecycle.stop_many(connection, ExecutionFilter(statuses=("new",)))  # each has ended before the next turn
        connection.commit()
    told = [retry_jobs.get_retry_job(connection, job) for job in jobs]
    assert [(job.retried, job.refused) for job in told] == [(3, 0), (0, 3)]
    results = [retry_jobs.read_results(connection, job, limit=9) for job in jobs]
    assert [one.message for one in results[1]] == [
        f"It was retried after this was asked for: execution {one.retry_id}" for one in results[0]
    ]
    again = begin(connection, statuses=("error",))
    assert retry_jobs.retry_some(connection, allow) == 3
    assert retry_jobs.get_retry_job(connection, again).retried == 3, "asked for after those had ended"


def test_what_a_retry_has_mended_is_passed_over_page_by_page(connection, worker_id, monkeypatch) -> None:
    monkeypatch.setattr(retries, "PAGE", 2)
    failed = [an_ended_execution(connection, worker_id) for _ in range(7)]
    mended = "UPDATE executions SET retry_success_id = 99 WHERE id = ANY(%s)"
    connection.execute(mended, [[failed[6], failed[5], failed[2]]])
    left = [failed[4], failed[3], failed[1], failed[0]]
    assert retries.find_retryable(connection, ExecutionFilter(), limit=9) == left
    assert retries.find_retryable(connection, ExecutionFilter(statuses=("error", "new")), limit=3) == left[:3]
    assert retries.find_retryable(connection, ExecutionFilter(statuses=("success",)), limit=9) == []
    job_id = begin(connection)
    while retry_jobs.retry_some(connection, allow, size=2) is not None:
        pass
    assert [one.id for one in retry_jobs.read_results(connection, job_id, limit=9)] == left


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_of_an_execution_and_its_failed_retries_the_newest_is_retried_alone(connection, worker_id, monkeypatch, page):
    """What failed three times is one thing to do, and not three."""
    monkeypatch.setattr(retries, "PAGE", page)

    def fail_again(execution_id: int, status: str = "error") -> int:
        retry_id = retries.retry(connection, execution_id, load_workflow=False)
        change = "UPDATE executions SET status = %s, started_at = now(), stopped_at = now() WHERE id = %s"
        connection.execute(change, [status, retry_id])
        return retry_id

    first, other, alone = (an_ended_execution(connection, worker_id) for _ in range(3))
    branch, other_again = fail_again(first), fail_again(other, "canceled")
    twice = fail_again(fail_again(first))
    assert branch < other_again < twice
    assert retries.find_retryable(connection, ExecutionFilter(), limit=9) == [twice, other_again, alone]
    wanted = ("error", "crashed")
    left = [twice, alone, other]
    assert retries.find_retryable(connection, ExecutionFilter(statuses=wanted), limit=9) == left
    job_id = begin(connection, statuses=wanted)
    while retry_jobs.retry_some(connection, allow, size=page) is not None:
        pass
    assert [one.id for one in retry_jobs.read_results(connection, job_id, limit=9)] == left
    assert retry_jobs.get_retry_job(connection, job_id).matched == 3


def test_it_asks_for_all_of_a_step_whether_their_place_is_there(connection, worker_id) -> None:
    failed = [an_ended_execution(connection, worker_id) for _ in range(2)]
    place = Restart(NodeRun("X"))
    asked = []

    def refuse_one(connection, ids, restart: Restart) -> Checked:
        asked.append((sorted(ids), restart))
        return Checked({failed[0]: "The node 'X' is not there"}, {failed[1]})

    job_id = begin(connection, place, statuses=("error",))
    lifecycle.stop(connection, retries.retry(connection, failed[0], load_workflow=False))
    retry_jobs.retry_some(connection, refuse_one)
    assert asked == [(failed, place)]
    one, other = retry_jobs.read_results(connection, job_id, limit=9)
    assert (other.id, other.message) == (failed[0], "The node 'X' is not there")
    place_of = "SELECT retry_from, start_node FROM execution_inputs WHERE execution_id = %s"
    assert connection.execute(place_of, [one.retry_id]).fetchone() == (b'{"node":"X","run":0}', "X")


def test_it_waits_while_much_is_queued(connection, worker_id, monkeypatch) -> None:
    monkeypatch.setattr(retry_jobs, "MAX_QUEUED", 2)
    an_ended_execution(connection, worker_id)
    queued = [a_new_execution(connection) for _ in range(2)]
    begin(connection, statuses=("error",))
    assert retry_jobs.retry_some(connection, allow) is None
    lifecycle.stop(connection, queued[0])
    assert retry_jobs.retry_some(connection, allow) == 1


def test_one_that_is_ended_retries_nothing_more(connection, worker_id) -> None:
    for _ in range(3):
        an_ended_execution(connection, worker_id)
    job_id = begin(connection)
    assert retry_jobs.retry_some(connection, allow, size=1) == 1
    with pytest.raises(RetryJobNotFound):
        retry_jobs.end_retry_job(connection, job_id, project_id="other")
    ended = retry_jobs.end_retry_job(connection, job_id)
    assert (ended.retried, ended.finished_at is None) == (1, False)
    assert retry_jobs.retry_some(connection, allow, size=1) is None
    assert retry_jobs.end_retry_job(connection, job_id) == ended


def test_one_worker_does_a_step_and_the_others_go_on_with_their_work(connect, connection, worker_id) -> None:
    an_ended_execution(connection, worker_id)
    begin(connection)
    connection.commit()
    other = connect()
    assert retry_jobs.retry_some(other, allow) == 1
    assert retry_jobs.retry_some(connection, allow) is None


def test_a_project_sees_and_retries_only_its_own(connection, worker_id) -> None:
    an_ended_execution(connection, worker_id)
    job_id = begin(connection, visible_project="other")
    assert retry_jobs.retry_some(connection, allow) == 0
    assert retry_jobs.get_retry_job(connection, job_id, project_id="other").retried == 0
    with pytest.raises(RetryJobNotFound):
        retry_jobs.get_retry_job(connection, job_id, project_id="default")
