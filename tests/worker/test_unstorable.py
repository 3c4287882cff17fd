"""A result that PostgreSQL cannot hold fails by itself and keeps back nothing else."""

import json
import secrets
from decimal import Decimal
from uuid import uuid4

from app.engine.run.run import RunOutcome
from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim
from app.worker import runs
from app.worker.exchange import Assignment
from tests.workflows import code, no_op, stored


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
    monkeypatch.setattr(runs, "MAX_DATA_BYTES", 1_000)
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
    assert large.error_message == "The data of this run could not be stored: 2,039 bytes are more than 1,000"


def test_a_value_that_json_does_not_know_loses_nothing_else() -> None:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    data = {"resultData": {"runData": {"A": [{"data": [Decimal("1.5"), 2**70, {"b": 1}]}]}}}
    result = runs.result_of(
        Assignment(claim, {"nodes": []}, ExecutionInput(), None), RunOutcome("success", data, None, None, {})
    )
    assert json.loads(result.data)["resultData"]["runData"]["A"][0]["data"] == ["1.5", 2**70, {"b": 1}]
