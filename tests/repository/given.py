"""What a repository test starts from: a workflow, a worker, executions in the state that it needs."""

from app.repository import lifecycle, workers, workflows
from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.lifecycle import Result

DATA = b'{"resultData":{"runData":{}}}'


def a_workflow(connection: Connection, workflow_id: str = "w1", *, project_id: str = "default") -> str:
    workflows.create_workflow(
        connection, workflow_id, project_id=project_id, name=f"Workflow {workflow_id}", definition=b'{"nodes":[]}'
    )
    connection.commit()
    return workflow_id


def a_worker(connection: Connection, *, concurrency: int = 10) -> int:
    worker_id = workers.register(connection, hostname="host", pid=1, concurrency=concurrency)
    connection.commit()
    return worker_id


def a_new_execution(connection: Connection, workflow_id: str = "w1", *, mode: str = "manual", **options) -> int:
    workflow = workflows.get_workflow(connection, workflow_id)
    execution_id = lifecycle.create_execution(
        connection,
        workflow.target,
        mode=mode,
        **options,
    )
    connection.commit()
    return execution_id


def a_running_execution(connection: Connection, worker_id: int, workflow_id: str = "w1") -> int:
    execution_id = a_new_execution(connection, workflow_id)
    claimed = [claim.id for claim in lifecycle.claim(connection, worker_id, 1)]
    assert claimed == [execution_id], "another execution was queued before"
    connection.commit()
    return execution_id


def an_ended_execution(
    connection: Connection, worker_id: int, status: str = "error", workflow_id: str = "w1", **options
) -> int:
    execution_id = a_running_execution(connection, worker_id, workflow_id)
    if status == "canceled":
        lifecycle.stop(connection, execution_id)
    else:
        message = None if status == "success" else "it failed"
        result = Result(execution_id, status, "manual", DATA, error_message=message, **options)
        assert lifecycle.finish(connection, worker_id, [result]) == {execution_id}
    connection.commit()
    return execution_id


def as_before_compression(connection: Connection, execution_id: int) -> None:
    """Let the row of an execution's data be as it was before data was compressed."""
    data = read_data(connection, [execution_id])[execution_id].decode()
    connection.execute(
        "UPDATE execution_data SET data = %s::text::json, encoded = NULL, encoding = NULL, waiting_node = NULL"
        " WHERE execution_id = %s",
        [data, execution_id],
    )
    connection.commit()


SWAP = """
    WITH places AS (
        SELECT t.relname::text AS name, p.oid, p.relfilenode, p.relkind
          FROM pg_class AS t
          JOIN pg_class AS p
            ON p.oid = t.reltoastrelid OR p.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = t.reltoastrelid)
         WHERE t.oid IN (%s::regclass, 'lost'::regclass))
    UPDATE pg_class AS c
       SET relfilenode = other.relfilenode
      FROM places AS mine
      JOIN places AS other ON other.relkind = mine.relkind AND other.name <> mine.name
     WHERE c.oid = mine.oid
"""


def lose_large_values(connection: Connection, table: str = "execution_data") -> None:
    """Have PostgreSQL unable to read values of this table that have some kilobytes by now, as after a bad disk: the
    files behind the large values of two tables change places, and one of these tables goes."""
    with connection.transaction():
        connection.execute("CREATE TABLE lost (value text)")
        connection.execute("SET LOCAL allow_system_table_mods = on")
        assert connection.execute(SWAP, [table]).rowcount == 4
    connection.execute("DROP TABLE lost")
