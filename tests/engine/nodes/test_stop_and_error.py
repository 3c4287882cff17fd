"""The error that Stop and Error makes of an object, as n8n 2.40.7 was seen to do it."""

import json
from typing import Any

import pytest

from tests.engine.running import Engine
from tests.workflows import START, chain, node


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"message": "m", "description": "d", "stack": "s"}, ("m", "d")),
        ({"description": "only d"}, ("only d", None)),
        ({"error": "e", "description": ""}, ("e", None)),
        ({"message": "", "error": "f", "description": "g"}, ("g", None)),
        ({"message": "m", "description": 5}, ("m", None)),
        ({"message": {"x": 1}}, ('Error: {"message":{"x":1}}', None)),
    ],
)
def test_an_object(engine: Engine, given: Any, said: tuple[str, str | None]) -> None:
    parameters = {"errorType": "errorObject", "errorObject": json.dumps(given)}
    outcome = engine.run(chain(START, node("Stop", "stopAndError", parameters)), items=[{"json": {}}])
    error = outcome.data["resultData"]["error"]
    assert (error["message"], error.get("description")) == said
    assert error["level"] == "error"
