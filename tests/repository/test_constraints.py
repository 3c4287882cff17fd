"""The schema itself refuses what must not be, whatever the statement that tries it."""

import pytest
from psycopg import errors as pg

from app.repository import annotations
from app.repository.api_keys import create_api_key
from app.repository.errors import ProjectNotFound, translate_errors, violation
from tests.repository.given import a_new_execution, a_running_execution, a_worker, a_workflow, an_ended_execution

WITHIN = {
    "bulk_call_executions_call_id_fkey": "what is noted of a call locks the call first",
    "deduplication_values_history": "both rows are written by one transaction",
    "workflows_current_version": "both rows are written by one transaction",
    "workflows_published_version": "nobody deletes a version that its workflow, which is locked, has",
}
"""References to what nobody else deletes at that moment."""


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'success'", "executions_ended_has_stopped_at"),
        ("status = 'error'", "executions_ended_has_stopped_at"),
        ("stopped_at = now()", "executions_ended_has_stopped_at"),
        ("status = 'running'", "executions_running_has_worker"),
        ("status = 'waiting'", "executions_waiting_has_condition"),
        ("wait_till = now()", "executions_waiting_has_condition"),
        ("started_at = now()", "executions_new_is_untouched"),
        ("status = 'paused'", "executions_status"),
        ("mode = 'cron'", "executions_mode"),
        ("mode = 'retry'", "executions_retry_names_its_original"),
        ("vote = 'sideways'", "executions_vote"),
        ("status = 'success', stopped_at = now(), error_message = 'x'", "executions_success_has_no_error"),
    ],
)
def test_a_wrong_state_is_refused(connection, change: str, constraint: str) -> None:
    a_workflow(connection)
    execution_id = a_new_execution(connection)
    with pytest.raises(pg.CheckViolation) as refused:
        connection.execute(f"UPDATE executions SET {change} WHERE id = %s", [execution_id])
    assert refused.value.diag.constraint_name == constraint


def test_a_running_execution_has_a_worker(connection) -> None:
    a_workflow(connection)
    execution_id = a_running_execution(connection, a_worker(connection))
    with pytest.raises(pg.CheckViolation):
        connection.execute("UPDATE executions SET worker_id = NULL WHERE id = %s", [execution_id])


def test_two_retries_in_flight_are_refused(connection) -> None:
    a_workflow(connection)
    original = an_ended_execution(connection, a_worker(connection))
    a_new_execution(connection, mode="retry", retry_of=original)
    with pytest.raises(pg.UniqueViolation):
        a_new_execution(connection, mode="retry", retry_of=original)


def test_a_version_that_ran_cannot_be_deleted(connection) -> None:
    a_workflow(connection)
    a_new_execution(connection)
    connection.execute("DELETE FROM workflows")
    with pytest.raises(pg.ForeignKeyViolation):
        connection.execute("DELETE FROM workflow_versions")


def test_a_key_for_a_project_that_is_gone_is_told_so(connection) -> None:
    with pytest.raises(ProjectNotFound), translate_errors():
        create_api_key(connection, "a key", label="l", scopes=["*"], project_id="gone")


def test_whoever_refers_to_what_is_deleted_at_that_moment_is_told_so(connection) -> None:
    references = connection.execute("SELECT conname FROM pg_constraint WHERE contype = 'f'").fetchall()
    assert {name for (name,) in references if violation(name) is None} == WITHIN.keys()


def test_tags_are_not_deleted_before_they_are_given(connect) -> None:
    with connect() as giving, connect() as deleting:
        assert annotations.find_or_create_tags(giving, ["t"]) == ["t"]
        giving.commit()
        annotations.find_or_create_tags(giving, ["t"])
        deleting.execute("SET lock_timeout = 50")
        with pytest.raises(pg.LockNotAvailable):
            deleting.execute("DELETE FROM tags WHERE id = 't'")
