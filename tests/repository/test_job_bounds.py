"""How many jobs in the background may be under way."""

from collections.abc import Callable
from functools import partial
from types import ModuleType

import psycopg
import pytest

from app.repository import deletion_jobs, retry_jobs
from app.repository.connection import Connection
from app.repository.errors import Conflict
from app.repository.execution_filters import ExecutionFilter
from app.repository.restarts import AT_FAILURE

RETRY = partial(retry_jobs.create_retry_job, load_workflow=False, restart=AT_FAILURE)


@pytest.mark.parametrize("project_id", [None, "busy"])
@pytest.mark.parametrize(
    ("jobs", "create", "what"),
    [(retry_jobs, RETRY, "retries"), (deletion_jobs, deletion_jobs.create_deletion_job, "deletions")],
)
def test_no_more_than_so_many_of_a_project_are_under_way(
    connect, connection, project_id, jobs: ModuleType, create: Callable[..., int], what: str, monkeypatch
) -> None:
    def begin(connection: Connection, project_id: str | None) -> int:
        return create(connection, ExecutionFilter(visible_project=project_id))

    monkeypatch.setattr(jobs, "MAX_UNFINISHED", 2)
    begin(connection, "other")
    begin(connection, project_id)
    connection.commit()
    same_moment = connect()
    same_moment.execute("SET lock_timeout = '100ms'")
    begin(connection, project_id)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        begin(same_moment, project_id)
    connection.commit()
    with pytest.raises(Conflict, match=f"2 {what} in the background are under way"):
        begin(connection, project_id)
    connection.rollback()
    for table in ("retry_jobs", "deletion_jobs"):
        connection.execute(
            f"UPDATE {table} SET finished_at = now() WHERE project_id IS NOT DISTINCT FROM %s", [project_id]
        )
    assert begin(connection, project_id)
