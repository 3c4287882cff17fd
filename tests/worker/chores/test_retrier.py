"""What a worker looks into before it retries many from a node."""

import orjson
import psycopg

from app.repository.connection import json_of
from app.repository.restarts import NodeRun, Restart
from app.worker.chores.retrier import check_many
from tests.repository.given import a_worker, a_workflow, an_ended_execution

RAN = {"Start": [{"executionIndex": 0}], "A": [{"executionIndex": 1, "source": [{"previousNode": "Start"}]}]}
SAVE = (
    "UPDATE execution_data SET data = %s, encoded = NULL, encoding = NULL, waiting_node = NULL WHERE execution_id = %s"
)


def test_those_of_a_step_are_looked_into_together(connection, monkeypatch) -> None:
    """As many statements for many as for one."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    ids = [an_ended_execution(connection, worker_id) for _ in range(6)]
    for execution_id in ids[::2]:
        data = orjson.dumps({"resultData": {"runData": RAN}})
        connection.execute(SAVE, [json_of(data), execution_id])
    asked: list[object] = []
    execute = psycopg.Cursor.execute

    def count(cursor, query, *given, **more):
        asked.append(query)
        return execute(cursor, query, *given, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", count)
    statements = []
    for node, beginning in (("A", set()), ("Start", set(ids[::2]))):
        for some in (ids[:2], ids):
            asked.clear()
            checked = check_many(connection, some, Restart(NodeRun(node)), largest=10_000)
            statements.append(len(asked))
            assert set(checked.refused) == set(some[1::2])
            assert checked.beginning == beginning & set(some)
    assert len(set(statements)) == 1
    large = check_many(connection, ids, Restart(NodeRun("A")), largest=1)
    assert set(large.refused) == set(ids)
    asked.clear()
    assert check_many(connection, ids, Restart("start"), largest=1).refused == {}
    assert asked == [], "where no data says anything"
