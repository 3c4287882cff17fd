"""Which node says how a caller is answered."""

from uuid import uuid4

import orjson
import pytest

from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim
from app.worker.answers import answering_node
from app.worker.exchange import Assignment
from tests.workflows import no_op, stored

CALL = {"responseMode": "lastNode"}


def called(items: list[dict[str, object]]) -> Assignment:
    """An execution that a call has begun, at a trigger that is no webhook of ours."""
    claim = Claim(7, "w1", uuid4(), "default", "webhook", None, False, True, None)
    given = ExecutionInput(start_node="Start", items=orjson.dumps(items))
    return Assignment(claim, orjson.loads(stored(no_op())), given, None)


@pytest.mark.parametrize("chosen", [{"id": "webhookCall", "node": {}}, {"webhookCall": "x"}, {"webhookCall": [{}]}])
def test_what_callers_of_forms_and_mcp_choose_is_no_call_of_a_package(chosen: dict[str, object]) -> None:
    assert answering_node(called([{"json": chosen}])) is None


def test_a_call_of_a_package_says_how_it_is_answered() -> None:
    node = answering_node(called([{"json": {"webhookCall": CALL}}]))
    assert node is not None
    assert node.settings.response_mode == "lastNode"
