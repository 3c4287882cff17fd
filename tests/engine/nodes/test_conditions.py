"""A condition that cannot be told is an error of its item, never one that holds or does not hold."""

from typing import Any

import pytest

from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node

UNEQUAL = {"leftValue": 1, "rightValue": 2, "operator": {"type": "number", "operation": "equals"}}
VERSIONS = {"if": 2.2, "filter": 2.2, "switch": 3.2}
UNTOLD = "The operator of a condition is not known"


def parameters_of(kind: str, conditions: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"conditions": {"combinator": "and", "conditions": conditions}}
    return {"rules": {"values": [given]}} if kind == "switch" else given


@pytest.mark.parametrize("kind", VERSIONS)
@pytest.mark.parametrize("operator", [None, "equals", {}, {"operation": "equals"}, {"type": 1}])
def test_a_condition_without_an_operator_is_an_error(engine: Engine, kind: str, operator: Any) -> None:
    conditions = [{"leftValue": 1, "rightValue": 1, "operator": operator}]
    outcome = engine.run(chain(START, node("Ask", kind, parameters_of(kind, conditions), VERSIONS[kind])))
    assert outcome.status == "error"
    assert outcome.data["resultData"]["error"]["message"] == UNTOLD


@pytest.mark.parametrize("kind", VERSIONS)
def test_a_condition_behind_one_that_decides_is_not_looked_at(engine: Engine, kind: str) -> None:
    conditions = [UNEQUAL, {"leftValue": 1}]
    outcome = engine.run(chain(START, node("Ask", kind, parameters_of(kind, conditions), VERSIONS[kind])))
    assert outcome.status == "success"
    assert output_of(outcome, "Ask") == []


@pytest.mark.parametrize("kind", VERSIONS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (True, "The conditions are not a list"),
        ({}, "The conditions are not a list"),
        (None, "The conditions are not a list"),
        ([None], UNTOLD),
    ],
)
def test_no_item_passes_by_conditions_that_are_none(engine: Engine, kind: str, given: Any, message: str) -> None:
    outcome = engine.run(chain(START, node("Ask", kind, parameters_of(kind, given), VERSIONS[kind])))
    assert outcome.status == "error"
    assert outcome.data["resultData"]["error"]["message"] == message
