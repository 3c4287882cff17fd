"""Results of many executions are recorded together, each as it would be by itself."""

import orjson
import pytest

from app.repository import executions, lifecycle
from app.repository.execution_data import INDEXED_BYTES, read_data
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Result, results
from tests.repository.given import DATA, a_running_execution, a_worker, a_workflow

LARGE = orjson.dumps({"resultData": {"runData": {"N": [{"data": {"main": [[{"json": {"a": "x" * INDEXED_BYTES}}]]}}]}}})


@pytest.fixture
def running(connection) -> tuple[int, list[int]]:
    """A worker, and eight executions that it runs."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    return worker_id, [a_running_execution(connection, worker_id) for _ in range(8)]


def data_of(number: int) -> bytes:
    return orjson.dumps({"resultData": {"runData": {}, "number": number, "text": "y" * (400 * (number % 2))}})


def test_many_results_are_recorded_each_as_by_itself(connection, running) -> None:
    worker_id, ids = running
    lifecycle.stop(connection, ids[1])
    connection.execute("DELETE FROM executions WHERE id = %s", [ids[2]])
    other = a_worker(connection)
    connection.execute("UPDATE executions SET worker_id = %s WHERE id = %s", [other, ids[3]])
    wanted = [Result(number, "success", "manual", data_of(number), input_preview=b'{"a":1}') for number in ids[:4]]
    wanted += [
        Result(ids[4], "error", "manual", data_of(ids[4]), error_node="N", error_message="'It' \\ broke, {1}"),
        Result(ids[5], "success", "manual", LARGE),
        Result(ids[6], "waiting", "manual", DATA, resume_on="webhook", waiting_node=b"{}"),
        Result(ids[7], "error", "manual", data_of(ids[7])),
    ]
    assert lifecycle.finish(connection, worker_id, list(reversed(wanted))) == {ids[0], *ids[4:]}
    found = {e.id: e for e in executions.list_executions(connection, ExecutionFilter(), limit=99)}
    told = [(n, found[n].status, found[n].error_node, found[n].error_message, found[n].input_preview) for n in found]
    assert sorted(told, key=lambda each: each[0]) == [
        (ids[0], "success", None, None, b'{"a":1}'),
        (ids[1], "canceled", None, None, None),
        (ids[3], "running", None, None, None),
        (ids[4], "error", "N", "'It' \\ broke, {1}", None),
        (ids[5], "success", None, None, None),
        (ids[6], "waiting", None, None, None),
        (ids[7], "error", None, None, None),
    ]
    stored = read_data(connection, ids)
    assert stored == {ids[0]: data_of(ids[0]), ids[4]: data_of(ids[4]), ids[5]: stored[ids[5]], ids[6]: DATA} | {
        ids[7]: data_of(ids[7])
    }
    assert orjson.loads(stored[ids[5]]) == orjson.loads(LARGE)
    assert found[ids[0]].json_size_bytes == len(data_of(ids[0]))


def test_what_a_wait_has_left_is_replaced(connection, running) -> None:
    worker_id, ids = running
    waits = [Result(n, "waiting", "manual", DATA, resume_on="webhook", waiting_node=b"{}") for n in ids[:2]]
    lifecycle.finish(connection, worker_id, waits)
    connection.execute(
        "UPDATE executions SET status = 'running', resume_on = NULL, worker_id = %s WHERE id = ANY(%s)",
        [worker_id, ids[:2]],
    )
    ended = [Result(number, "success", "manual", data_of(number)) for number in ids]
    assert lifecycle.finish(connection, worker_id, ended) == set(ids)
    assert read_data(connection, ids) == {number: data_of(number) for number in ids}
    left = connection.execute("SELECT count(*) FROM execution_data WHERE waiting_node IS NOT NULL").fetchone()
    assert left == (0,)


def test_statements_keep_the_order_of_ids_and_are_bounded() -> None:
    def values(number: int, size: int, status: str = "success", index: bytes | None = None) -> dict:
        return {"id": number, "status": status, "encoded": b"x" * size, "run_index": index}

    whole = results.MAX_BYTES_AT_ONCE
    wanted = [
        *(values(n, 1) for n in range(results.AT_ONCE + 1)),
        values(200, whole + 1),
        values(201, whole - 1),
        values(202, 1, "error"),
        values(203, 1),
        values(204, 1, index=b"i"),
        values(205, 1, "waiting"),
        values(206, 1),
    ]
    parts = [[each["id"] for each in part] for part in results.parts_of(wanted)]
    assert parts == [[*range(100)], [100], [200], [201, 202], [203], [204], [205], [206]]
