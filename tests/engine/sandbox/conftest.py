"""What hostile JavaScript gives: a value, or the error that stands for it."""

from typing import Any

import pytest

from app.engine.sandbox import CodeError, ExpressionError
from tests.engine.running import Engine

SCOPE: dict[str, Any] = {
    "items": [{"json": {"n": 7}}],
    "nodes": {"Start": {"runs": [[[{"json": {}}]]], "paired": [[0, 0, 0]]}},
    "nodeNames": ["Start"],
    "timezone": "America/New_York",
}


@pytest.fixture
def evaluate(engine: Engine):
    def evaluate(template: str) -> Any:
        try:
            return engine.wait_for(engine.sandbox.evaluate([template], SCOPE))[0][0]
        except ExpressionError as error:
            return error

    return evaluate


@pytest.fixture
def run(engine: Engine):
    def run(source: str, **options: Any) -> Any:
        try:
            result = engine.wait_for(engine.sandbox.run_code(source, SCOPE, **options))
        except CodeError as error:
            return error.message
        return [item["json"] for item in result.items]

    return run
