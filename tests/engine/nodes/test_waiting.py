"""Nodes that wait, in a workflow that is run by something that does not."""

import pytest

from app.engine.run.ports import Ports
from tests.engine.running import Engine
from tests.workflows import START, chain, node


@pytest.mark.parametrize(("resume", "awaited"), [("webhook", "a call"), ("form", "a form")])
def test_where_nothing_can_wait_the_error_says_what_can(engine: Engine, resume: str, awaited: str) -> None:
    waiting = node("Wait", "wait", {"resume": resume, "formTitle": "Title"}, 1.1)
    outcome = engine.run(chain(START, waiting), items=[{"json": {}}], ports=Ports(may_wait=False))
    error = outcome.data["resultData"]["error"]
    assert error["message"] == f"This sub-workflow cannot wait for {awaited}: the node that runs it does not wait"
    assert error["description"] == "Run it with an Execute Workflow node, which can wait."
