"""Results of many executions are recorded together, each as it would be by itself."""

import re
from dataclasses import replace

import orjson
import pytest

from app.repository import counters, execution_events, execution_progress, executions, lifecycle
from app.repository.connection import scalar
from app.repository.execution_data import INDEXED_BYTES, read_data
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Result, results
from app.repository.static_data import StaticChange
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


@pytest.mark.parametrize(
    ("statement", "texts"),
    [(results.FINISH_MANY, 5), (results.FINISH_MANY_FAILED, 5), (execution_progress.SAVE, 1)],
)
def test_texts_of_many_are_sent_without_escapes(statement, texts) -> None:
    """Quotes of JSON in an array cost a client more to escape than all else that it does for a preview."""
    assert len(re.findall(r"%\(\w+\)b::text\[\]", statement)) == texts
    assert not re.search(r"%\(\w+\)s::text\[\]", statement)


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


FAILED = Result(0, "error", "manual", DATA, error_node="N", error_message="It broke", workflow_id="w1")


@pytest.mark.parametrize(
    ("result", "counted", "failures"),
    [
        (Result(0, "success", "manual", DATA), 1, 0),
        (Result(0, "success", "manual", LARGE), 1, 0),
        (Result(0, "success", "manual", DATA, keep=False), 1, 0),
        (Result(0, "success", "retry", DATA), 1, 0),
        (Result(0, "success", "integrated", DATA), 1, 0),
        (Result(0, "success", "manual", DATA, static_data=(StaticChange("w1", "global", b"{}"),)), 1, 0),
        (Result(0, "canceled", "manual", DATA), 1, 0),
        (Result(0, "waiting", "manual", DATA, resume_on="webhook"), 0, 0),
        (FAILED, 1, 1),
        (replace(FAILED, mode="integrated"), 1, 1),
    ],
    ids=lambda each: f"{each.status} {each.mode}" if isinstance(each, Result) else str(each),
)
@pytest.mark.parametrize("others", [0, 2], ids=["alone", "with others"])
def test_each_end_is_counted_once_and_in_one_transaction(
    connection, running, others: int, result: Result, counted: int, failures: int
) -> None:
    worker_id, (first, *ids) = running
    execution_events.watch(connection)
    more = [Result(number, "success", "webhook", DATA) for number in ids[:others]]
    lifecycle.finish(connection, worker_id, [replace(result, id=first), *more])
    again = lifecycle.finish(connection, worker_id, [replace(result, id=first)])
    assert again == ({first} if result.status == "canceled" else set())  # its data may be kept, no more
    totals = {(each.labels["mode"], each.labels["status"]): each.value for each in counters.totals(connection)}
    assert totals.get((result.mode, result.status), 0) == counted
    assert sum(totals.values()) == counted + others
    assert scalar(connection, "SELECT coalesce(sum(number), 0) FROM execution_ends") == counted + others
    assert scalar(connection, "SELECT count(*) FROM execution_failures") == failures
    assert scalar(connection, "SELECT array_agg(i) FROM execution_events, unnest(ids) AS i") == [first, *ids[:others]]


def test_what_may_have_to_wait_is_done_before_the_total_is_held() -> None:
    """Two ends of one worker would wait for each other, each for what the other holds."""
    plain = Result(1, "success", "webhook", DATA, answer=b"{}", awaited=True, has_proof=True)
    assert results.may_be_counted_at_once(plain)
    assert results.may_be_counted_at_once(FAILED)
    change = StaticChange("w1", "global", b"{}")
    for more in ({"mode": "retry"}, {"mode": "integrated"}, {"keep": False}, {"static_data": (change,)}):
        assert not results.may_be_counted_at_once(replace(plain, **more)), more
    for status in ("waiting", "canceled"):
        assert not results.may_be_counted_at_once(replace(plain, status=status))


def test_an_end_that_nothing_follows_is_one_statement(connection, running, monkeypatch) -> None:
    worker_id, ids = running
    begun = []
    execute = type(connection).execute
    monkeypatch.setattr(
        type(connection), "execute", lambda self, *what, **more: begun.append(what[0]) or execute(self, *what, **more)
    )
    lifecycle.finish(connection, worker_id, [Result(ids[0], "success", "webhook", DATA)])
    assert len(begun) == 1
    lifecycle.finish(connection, worker_id, [replace(FAILED, id=ids[1])])
    assert len(begun) == 2


@pytest.mark.parametrize("status", ["error", "waiting", "canceled"])
@pytest.mark.parametrize("before", [DATA, None], ids=["data", "no data"])
def test_a_result_without_data_leaves_what_is_recorded(connection, running, status: str, before: bytes | None) -> None:
    """Beside others; and with the call that an execution was to go on with."""
    worker_id, (first, other, *_) = running
    if before is not None:
        result = Result(first, "waiting", "manual", before, resume_on="webhook", input_preview=b'{"a":1}')
        lifecycle.finish(connection, worker_id, [result])
        lifecycle.resume_by_webhook(connection, first, b"[]")
        lifecycle.claim(connection, worker_id, 1)
    if status == "canceled":
        lifecycle.stop(connection, first)
    due = "2030-01-01" if status == "waiting" else None
    results = [Result(first, status, "manual", None, wait_till=due), Result(other, "error", "manual", DATA)]
    assert lifecycle.finish(connection, worker_id, results) == {first, other}
    execution = executions.get_execution(connection, first)
    assert (execution.status, execution.json_size_bytes) == (status, len(before or b""))
    assert execution.input_preview == (None if before is None else b'{"a":1}')
    assert read_data(connection, [first]) == ({} if before is None else {first: before})
    if before is not None:
        assert executions.read_inputs(connection, [first])[first].resume_items == b"[]"
