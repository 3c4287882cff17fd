"""Runs hint at fields that no item has, in n8n's words."""

from typing import Any

import pytest

from tests.engine.running import Engine
from tests.workflows import START, chain, node

ITEMS = [{"json": {"g": "x", "l": [1], "nothing": None}}, {"json": {"g": "y", "o": {"in": [2]}}}]
UNLIKE = "={{ $json.g === 'x' ? 'o' : 'l' }}"
GONE, DEEP = "gone", "o.other"


def aggregate(*fields: str, **options: Any) -> dict[str, Any]:
    return {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": name} for name in fields]}, **options}


def summarize(*fields: str, **options: Any) -> dict[str, Any]:
    return {"fieldsToSummarize": {"values": [{"aggregation": "count", "field": name} for name in fields]}, **options}


def split_out(fields: str, **more: Any) -> dict[str, Any]:
    return {"fieldToSplitOut": fields, "options": more}


@pytest.mark.parametrize(
    ("kind", "version", "parameters", "names"),
    [
        ("aggregate", 1, aggregate("g", "nothing", "o.in"), []),
        ("aggregate", 1, aggregate(GONE, "g", DEEP), [GONE, DEEP]),
        ("aggregate", 1, aggregate("o.in", options={"disableDotNotation": True}), ["o.in"]),
        ("aggregate", 1, aggregate(GONE, aggregate="aggregateAllItemData"), []),
        ("splitOut", 1, split_out("l,o.in,nothing"), []),
        ("splitOut", 1, split_out(f"{GONE}, l, $json.{GONE}, {DEEP}, $binary"), [GONE, DEEP]),
        ("splitOut", 1, split_out("o.in", disableDotNotation=True), ["o.in"]),
        ("splitOut", 1, split_out(UNLIKE), ["o", "l"]),
        ("itemLists", 3.1, {"operation": "splitOutItems", **split_out(GONE)}, []),
        ("itemLists", 3.1, {"operation": "concatenateItems", **aggregate(GONE)}, []),
        ("summarize", 1.1, summarize("g", "nothing"), []),
        ("summarize", 1.1, summarize("g", fieldsToSplitBy=GONE), []),
    ],
)
def test_each_field_that_no_item_has(
    engine: Engine, kind: str, version: float, parameters: dict[str, Any], names: list[str]
) -> None:
    assert hints(engine, kind, version, parameters) == [
        {
            "message": f"The field '{name}' wasn't found in any input item",
            "location": "outputPane",
            "group": {
                "key": "fieldNotFound",
                "summary": "{count} fields weren't found in your input items",
                "label": name,
            },
        }
        for name in names
    ]


@pytest.mark.parametrize(
    ("version", "parameters", "name"),
    [
        (1.1, summarize("g", GONE, DEEP), GONE),
        (1.1, summarize("o.in", options={"disableDotNotation": True}), "o.in"),
        (1, summarize(GONE, options={"continueIfFieldNotFound": True}), GONE),
    ],
)
def test_summarize_names_the_first(engine: Engine, version: float, parameters: dict[str, Any], name: str) -> None:
    message = f"The field '{name}' does not exist in any items"
    assert hints(engine, "summarize", version, parameters) == [{"message": message, "location": "outputPane"}]


def hints(engine: Engine, kind: str, version: float, parameters: dict[str, Any]) -> list[Any]:
    outcome = engine.run(chain(START, node("Look", kind, parameters, version)), items=ITEMS)
    assert outcome.status == "success"
    found: list[Any] = outcome.data["resultData"]["runData"]["Look"][0]["hints"]
    return found
