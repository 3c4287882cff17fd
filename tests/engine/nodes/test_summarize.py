"""Summarize where n8n writes what nobody means; what it does right is recorded in tests/conformance."""

from typing import Any

import pytest

from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node


@pytest.mark.parametrize("null", [None, "={{ null }}"])
@pytest.mark.parametrize("own", [False, True])
def test_a_separator_that_is_null_is_a_comma(engine: Engine, own: bool, null: Any) -> None:
    separator = {"separateBy": "other", "customSeparator": null} if own else {"separateBy": null}
    joined = {"field": "name", "aggregation": "concatenate", **separator}
    summarizing = node("Sum", "summarize", {"fieldsToSummarize": {"values": [joined]}, "options": {}}, 1.1)
    outcome = engine.run(chain(START, summarizing), items=[{"json": {"name": "a"}}, {"json": {"name": "b"}}])
    assert output_of(outcome, "Sum") == [{"concatenated_name": "a,b"}]
