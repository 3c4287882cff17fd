"""A result that PostgreSQL cannot hold fails by itself and keeps back nothing else."""

import asyncio
import json
import secrets
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app import json_parts
from app.engine import nodes
from app.engine.run.meter import Meter
from app.engine.run.run import RunOutcome
from app.engine.sandbox import Sandbox
from app.repository.execution_data import INDEXED_BYTES, Encoded
from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim
from app.repository.lifecycle.results import encode_results
from app.worker import run_data, run_requests, runs
from app.worker.answers import NO_PORTS
from app.worker.exchange import Assignment
from tests.patience import PATIENCE_SECONDS
from tests.workflows import START, chain, code, no_op, stored, wait


def test_what_is_too_long_for_an_index_fails_alone(queue, start_worker) -> None:
    """The name of a node that keeps something is part of a key."""
    name = secrets.token_urlsafe(6_000)
    queue.save(stored(code("$getWorkflowStaticData('node').count = 1; return $input.all()", name=name)), "long")
    queue.save(stored(no_op()), "short")
    start_worker()
    [long], short = queue.add("long", mode="trigger"), queue.add("short", 3)
    assert {execution.status for execution in queue.wait_for(short)} == {"success"}
    [execution] = queue.wait_for([long])
    assert execution.status == "error"
    assert "could not be stored" in execution.error_message


def test_what_is_too_large_is_not_tried(monkeypatch) -> None:
    monkeypatch.setattr(run_data, "MAX_BYTES", 1_000)
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    assignment = Assignment(claim, {"nodes": []}, ExecutionInput(), None)
    small, large = (
        runs.result_of(
            assignment, RunOutcome("success", {"resultData": {"runData": {}, "text": size * "x"}}, None, None, {})
        )
        for size in (100, 2_000)
    )
    assert (small.status, small.error_message) == ("success", None)
    assert (large.status, large.data) == ("error", b"{}")
    assert large.error_message == (
        f"The data of this run could not be stored: it takes more than 1,000 bytes; {run_data.ADVICE}"
    )


def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    assignment = Assignment(claim, {"nodes": []}, ExecutionInput(), None)
    refused = runs.result_of(assignment, RunOutcome("success", {"resultData": deep}, None, None, {}))
    assert refused.error_message == "The data of this run could not be stored: it is nested too deeply"


def test_what_was_passed_on_many_times_is_not_written_before_it_is_too_much(monkeypatch) -> None:
    monkeypatch.setattr(run_data, "MAX_BYTES", 4_000_000)
    written = 0

    class Odd:
        def __str__(self) -> str:
            nonlocal written
            written += 1
            return "x" * 100_000

    run = {"data": {"main": [[{"json": Odd()}]]}}
    with pytest.raises(ValueError, match="more than 4,000,000 bytes"):
        run_data.encode({"resultData": {"runData": {"A": [run] * 1_000}}})
    assert written == 40


@pytest.mark.parametrize(
    "value",
    [
        {"a": [{"json": {"n": place}} for place in range(2_500)]},
        {"a": {f"f{place}": [place, {}, []] for place in range(3_000)}},
        [[["x" * 2**20, "é"], {}], [], {"a": {1: ["x" * 2**20]}}],
        [[[2**70]] * 6_000, "😀", None],
        [{"half a \ud800": {"\ud83d": ["x" * 2**20]}}],
    ],
)
@pytest.mark.parametrize("levels", [0, 1, run_data.LEVELS])
def test_what_is_large_is_written_in_parts_and_reads_as_before(monkeypatch, value, levels) -> None:
    longest, dump = 0, json_parts._dump

    def watch(part):
        nonlocal longest
        written = dump(part)
        longest = max(longest, len(written))
        return written

    monkeypatch.setattr(json_parts, "_dump", watch)
    written = run_data.encode(value, levels=levels)
    assert json.loads(written) == json.loads(json.dumps(value))
    assert longest <= max(2**20 + 20, len(written) * 3 // 4)


@pytest.mark.parametrize(
    "body",
    [[0] * 20_000, [[0]] * 10_000, {f"f{place}": 0 for place in range(10_000)}],
    ids=["numbers", "lists", "names"],
)
def test_many_small_values_are_written_together(monkeypatch, body) -> None:
    """In an answer as in the data of a run: one by one, two million numbers took half a minute."""
    dumps, dump = 0, json_parts._dump

    def count(part):
        nonlocal dumps
        dumps += 1
        return dump(part)

    monkeypatch.setattr(json_parts, "_dump", count)
    for data in ({"status": 200, "body": {"body": body}}, {"resultData": {"error": {"body": {"a": body}}}}):
        assert json.loads(run_data.encode(data)) == data
    assert dumps < 200


def test_what_is_large_is_compressed_before_the_transaction_that_records_it() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    data = {"resultData": {"runData": {"A": [{"data": {"main": [[{"json": {"text": "x" * INDEXED_BYTES}}]]}}]}}}
    outcome = RunOutcome("success", data, None, None, {})
    result = runs.result_of(Assignment(claim, {"nodes": []}, ExecutionInput(), None), outcome)
    assert isinstance(result.data, Encoded)
    [encoded] = encode_results([result])
    assert encoded is result.data
    assert (encoded.json_bytes > INDEXED_BYTES, len(encoded.content) < 1_000) == (True, True)


def test_a_value_that_json_does_not_know_loses_nothing_else() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    data = {"resultData": {"runData": {"A": [{"data": [Decimal("1.5"), 2**70, {"b": 1}]}]}}}
    result = runs.result_of(
        Assignment(claim, {"nodes": []}, ExecutionInput(), None), RunOutcome("success", data, None, None, {})
    )
    assert json.loads(result.data)["resultData"]["runData"]["A"][0]["data"] == ["1.5", 2**70, {"b": 1}]


def test_what_would_take_too_much_memory_is_not_even_read(monkeypatch) -> None:
    """An empty list is three bytes of a body, and some hundred of memory."""
    claim = Claim(7, "w1", uuid4(), "default", "webhook", None, False, False, None)
    items = b'[{"json":{"body":[' + b"[]," * 100_000 + b"[]]}}]"
    assignment = Assignment(claim, {"nodes": []}, ExecutionInput(items=items), None)
    monkeypatch.setattr(runs.orjson, "loads", lambda text: [] if len(text) < len(items) else 1 / 0)
    ports = replace(NO_PORTS, meter=Meter(2 * 2**20))
    ended = asyncio.run(runs.run(assignment, Sandbox(), nodes.load(), ports))
    assert ended.result.status == "error"
    assert ended.result.error_message is not None
    assert (
        "more memory than it may: 2 MiB (EXECUTIONS_RUN_BYTES). Handle less data at once" in ended.result.error_message
    )


def test_what_is_large_in_too_many_levels_is_said_to_be() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "webhook", None, False, False, None)
    items = b'[{"json":{"body":' + b"[" * 20 + b"0," * 300_000 + b"0" + b"]" * 20 + b"}}]"
    assignment = Assignment(claim, {"nodes": []}, ExecutionInput(items=items), None)
    result = asyncio.run(runs.run(assignment, Sandbox(), nodes.load(), NO_PORTS)).result
    assert "holds more than 300,000 values in more than 16 levels" in (result.error_message or "")


def test_a_run_that_cannot_be_read_again_after_its_wait_keeps_what_was_recorded() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, True, None)
    earlier = b'{"resultData":{"runData":{}},"passed on":[' + b"[]," * 300_000 + b"[]]}"
    assignment = Assignment(claim, chain(START, wait(30)), ExecutionInput(), earlier)
    ports = replace(NO_PORTS, meter=Meter(2 * 2**20))
    result = asyncio.run(runs.run(assignment, Sandbox(), nodes.load(), ports)).result
    assert result.status == "error"
    assert "more memory than it may: 2 MiB" in (result.error_message or "")
    assert result.data is None


def test_what_is_large_is_read_beside_the_loop_and_a_stop_meanwhile_counts(monkeypatch) -> None:
    """One call of a parser holds the loop: no heartbeat, no stop, and no other execution goes on."""
    claim = Claim(7, "w1", uuid4(), "default", "webhook", None, False, False, None)
    items = b'[{"json":{"body":"' + b"x" * 2_000_000 + b'"}}]'
    assignment = Assignment(claim, chain(START, wait(30)), ExecutionInput(items=items), None)
    reading, go_on, readers = threading.Event(), threading.Event(), []

    def read(text: bytes) -> object:
        readers.append(threading.get_ident())
        reading.set()
        go_on.wait(PATIENCE_SECONDS)
        return json.loads(text)

    monkeypatch.setattr(run_requests.large_json, "read", read)

    async def main() -> runs.Ended:
        run = asyncio.create_task(runs.run(assignment, Sandbox(), nodes.load(), replace(NO_PORTS, meter=Meter())))
        await asyncio.to_thread(reading.wait, PATIENCE_SECONDS)
        run.cancel()
        await asyncio.sleep(0)
        go_on.set()
        return await run

    assert asyncio.run(main()).result.status == "canceled"
    assert readers != [threading.get_ident()]


def test_what_is_nested_deeply_is_written_at_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts each value is handed up through all levels above it: half a million in 500 levels took seven seconds."""
    write = json.JSONEncoder.iterencode

    def write_once(self: json.JSONEncoder, value: Any, _one_shot: bool = False) -> Any:
        assert _one_shot
        return write(self, value, _one_shot)

    monkeypatch.setattr(json.JSONEncoder, "iterencode", write_once)
    deep: Any = []
    for _ in range(300):
        deep = [deep, 1, "\u00fc"]
    assert json.loads(run_data.encode({"deep": deep})) == {"deep": deep}
