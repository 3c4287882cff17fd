"""What calls of many have touched is known of the newest calls of each project only."""

import pytest

from app.repository import bulk_calls, retry_jobs
from app.repository.execution_filters import ExecutionFilter
from app.repository.restarts import AT_FAILURE


@pytest.fixture(autouse=True)
def few_calls(monkeypatch):
    monkeypatch.setattr(bulk_calls, "MAX_CALLS", 3)


def known(connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT id FROM bulk_calls ORDER BY id")]


@pytest.mark.parametrize("project_id", [None, "busy"])
def test_the_oldest_calls_of_a_project_are_forgotten_with_what_they_touched(connection, project_id) -> None:
    others = [bulk_calls.note_call(connection, [1], project_id=other) for other in ("quiet", "calm")]
    job = retry_jobs.create_retry_job(
        connection, ExecutionFilter(visible_project=project_id), load_workflow=False, restart=AT_FAILURE
    )
    own = retry_jobs.get_retry_job(connection, job).touched_by
    made = [bulk_calls.note_call(connection, [1, 2], project_id=project_id) for _ in range(6)]
    assert known(connection) == [*others, own, *made[-3:]], "a job still tells what it has retried"
    noted = connection.execute("SELECT count(*) FROM bulk_call_executions").fetchone()
    assert noted == (2 + 2 * 3,)


def test_calls_at_the_same_moment_do_not_wait_for_each_other(connection, connect) -> None:
    made = [bulk_calls.note_call(connection, [1], project_id=None) for _ in range(3)]
    connection.commit()
    another = connect()
    first = bulk_calls.note_call(connection, [1], project_id=None)
    another.execute("SET lock_timeout = '10s'")
    second = bulk_calls.note_call(another, [1], project_id=None)
    connection.commit()
    another.commit()
    last = bulk_calls.note_call(connection, [1], project_id=None)
    assert known(connection) == [first, second, last]
    assert not {*made} & {*known(connection)}
