"""What nobody asks for any more goes, whoever has left it there; the rest stays."""

import asyncio

from app.repository import bulk_calls, retry_jobs, worker_questions
from app.repository.execution_filters import ExecutionFilter
from app.repository.restarts import AT_FAILURE
from app.repository.worker_questions import CREDENTIAL_TESTS, NODE_QUESTIONS
from app.worker.chores.housekeeping import housekeeping

AGE = {"bulk_calls": "made_at", "credential_tests": "created_at", "node_questions": "created_at"}


class Direct:
    """A database whose transactions are this connection's."""

    def __init__(self, connection) -> None:
        self._connection = connection

    async def transact(self, work) -> None:
        work(self._connection)


def touch(connection) -> None:
    """Leave one of each: a call of many, one that retries in the background, what two people have not waited for."""
    bulk_calls.note_call(connection, [1, 2], project_id="default")
    job = retry_jobs.create_retry_job(connection, ExecutionFilter(), load_workflow=False, restart=AT_FAILURE)
    call_id = retry_jobs.get_retry_job(connection, job).touched_by
    bulk_calls.note_touched(connection, call_id, [3], project_id=None)
    worker_questions.ask(connection, NODE_QUESTIONS, "default", "n8n-nodes-none.none", b"{}")
    worker_questions.ask(connection, CREDENTIAL_TESTS, "default", "noneApi", "c1")


def test_what_is_old_goes_and_what_is_not_stays(connection) -> None:
    touch(connection)
    for table, column in AGE.items():
        connection.execute(f"UPDATE {table} SET {column} = {column} - interval '8 days'")
    touch(connection)
    asyncio.run(housekeeping(Direct(connection)).step())
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in AGE}
    assert counts == {"bulk_calls": 3, "credential_tests": 1, "node_questions": 1}
    noted = connection.execute("SELECT execution_id FROM bulk_call_executions ORDER BY 1").fetchall()
    assert [number for (number,) in noted] == [1, 2, 3, 3], "a job in the background still tells what it has retried"
