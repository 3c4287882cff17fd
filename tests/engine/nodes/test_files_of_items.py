"""Which files and which origins the items have that nodes put out, as n8n 2.40.7 was seen to do it."""

import base64
from typing import Any

import pytest

from tests.engine.running import Engine
from tests.workflows import START, chain, node, workflow


def text_file(name: str, content: str, kind: str = "text/plain") -> dict[str, Any]:
    return {"fileName": name, "mimeType": kind, "data": base64.b64encode(content.encode()).decode()}


ITEMS: list[Any] = [
    {"json": {"a": 1}, "binary": {"f": text_file("a.txt", "hi")}},
    {
        "json": {"a": 2},
        "binary": {
            "f": text_file("b.txt", "ho"),
            "g": text_file("c.txt", "hi"),
            "f_1": text_file("x.xml", "hi", "text/xml"),
        },
    },
    {"json": {"b": 3}, "binary": {"f": text_file("d.txt", "hi")}},
    {"json": {"a": 4}},
]


def outputs(engine: Engine, kind: str, version: float, items: Any = ITEMS, **parameters: Any) -> list[Any]:
    on_error = {name: parameters.pop(name) for name in ("onError",) if name in parameters}
    outcome = engine.run(chain(START, node("N", kind, parameters, version, **on_error)), items=items)
    return outcome.data["resultData"]["runData"]["N"][0]["data"]["main"]


def names_of(item: Any) -> dict[str, str]:
    return {name: file["fileName"] for name, file in item.get("binary", {}).items()}


ALL = {"f": "a.txt", "f_1": "b.txt", "g": "c.txt", "f_1_1": "x.xml", "f_2": "d.txt"}
ONE_OF_EACH = {"f": "a.txt", "f_1": "b.txt", "f_1_1": "x.xml"}


@pytest.mark.parametrize(
    ("parameters", "options", "names", "places"),
    [
        ({}, {}, {}, [0, 1, 2, 3]),
        ({}, {"includeBinaries": True}, ALL, [0, 1, 2, 3]),
        ({}, {"includeBinaries": True, "keepOnlyUnique": True}, ONE_OF_EACH, [0, 1, 2, 3]),
        (
            {"include": "specifiedFields", "fieldsToInclude": "a"},
            {"includeBinaries": True},
            {name: file for name, file in ALL.items() if name != "f_2"},
            [0, 1, 3],
        ),
        ({"include": "allFieldsExcept", "fieldsToExclude": "a"}, {"includeBinaries": True}, {"f": "d.txt"}, [2]),
        (
            {
                "aggregate": "aggregateIndividualFields",
                "fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "a"}]},
            },
            {"includeBinaries": True},
            ALL,
            [0, 1, 2, 3],
        ),
    ],
)
def test_aggregate(engine: Engine, parameters: Any, options: Any, names: dict[str, str], places: list[int]) -> None:
    asked = {"aggregate": "aggregateAllItemData", **parameters, "options": options}
    [[made]] = outputs(engine, "aggregate", 1, **asked)
    assert (names_of(made), made["pairedItem"]) == (names, [{"item": place} for place in places])


FIELD = {"assignments": [{"id": "1", "name": "x", "value": "f", "type": "binary"}]}
FILE = {"assignments": [{"id": "1", "name": "x", "value": "={{ $binary.f }}", "type": "binary"}]}


@pytest.mark.parametrize(
    ("version", "parameters", "names"),
    [
        (3, {}, {}),
        (3.2, {"options": {"includeBinary": True}}, {"f": "a.txt"}),
        (3.3, {"includeOtherFields": True}, {}),
        (3.4, {"options": {"stripBinary": False}}, {}),
        (3.4, {"includeOtherFields": True}, {"f": "a.txt"}),
        (3.4, {"includeOtherFields": True, "options": {"stripBinary": True}}, {}),
        (3.4, {"assignments": FIELD}, {"x": "a.txt"}),
        (3.5, {"assignments": FILE, "includeOtherFields": True}, {"f": "a.txt", "x": "a.txt"}),
        (3.3, {"assignments": FIELD, "options": {"includeBinary": True}}, {"f": "a.txt", "x": "a.txt"}),
    ],
)
def test_edit_fields(engine: Engine, version: float, parameters: Any, names: dict[str, str]) -> None:
    [[made]] = outputs(engine, "set", version, ITEMS[:1], **parameters)
    assert names_of(made) == names
    assert "x" not in made["json"]


def test_edit_fields_names_no_file(engine: Engine) -> None:
    [[_, *made]] = outputs(
        engine, "set", 3.4, [*ITEMS[:1], {"json": {}}], assignments=FIELD, onError="continueRegularOutput"
    )
    assert "expects the node's input data to contain a binary file 'f'" in made[0]["json"]["error"]
    refused = {"assignments": [{**FILE["assignments"][0], "value": "={{ ({ data: 'aGk=' }) }}"}]}
    [[made[0]]] = outputs(engine, "set", 3.4, ITEMS[:1], assignments=refused, onError="continueRegularOutput")
    assert made[0]["json"]["error"] == "Provided parameter is not a string or binary data object."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{x: 1}", [0]),
        ("{x: 1}, {x: 2}", [None, None]),
        ("{x: 1}, {x: 2}, {x: 3}", [0, 1, 2]),
        ("{x: 1, paired: 2}, {x: 2}, {x: 3}", [2, 1, 2]),
    ],
)
def test_what_a_node_leaves_unpaired(engine: Engine, given: str, expected: list[Any]) -> None:
    each = "({ json: { x }, ...(paired && { pairedItem: { item: paired } }) })"
    program = f"return [{given}].map(({{ x, paired }}) => {each})"
    [made] = outputs(engine, "function", 1, ITEMS[:3], functionCode=program)
    assert [each.get("pairedItem", {}).get("item") for each in made] == expected


@pytest.mark.parametrize(
    ("kind", "version", "parameters", "way"),
    [
        (
            "functionItem",
            1,
            {"functionCode": "if (item.a === 2) throw new Error('no'); return item"},
            "continueErrorOutput",
        ),
        ("switch", 3.2, {"mode": "expression", "output": "={{ $json.a === 2 ? 9 : 1 }}"}, "continueRegularOutput"),
        ("switch", 1, {"mode": "expression", "output": "={{ $json.a === 2 ? null : 1 }}"}, "continueRegularOutput"),
    ],
)
def test_the_error_of_another_item_is_not_the_first_ones(
    engine: Engine, kind: str, version: float, parameters: Any, way: str
) -> None:
    made = outputs(engine, kind, version, [{"json": {"a": 1}}, {"json": {"a": 2}}], **parameters, onError=way)
    [error] = [item for items in made for item in items if "error" in item["json"]]
    assert "pairedItem" not in error


@pytest.mark.parametrize(
    ("resolve", "expected"),
    [
        ({"resolve": "preferInput1"}, ({"k": 1, "v": "a"}, {"item": 0}, {"f": "a.txt"})),
        ({"resolve": "preferInput2"}, ({"k": 1, "v": "b"}, {"item": 0, "input": 1}, {"f": "b.txt"})),
        (
            {"resolve": "mix", "preferWhenMix": "input2", "exceptWhenMix": "v"},
            ({"k": 1, "v": "a"}, {"item": 0, "input": 1}, {"f": "b.txt"}),
        ),
    ],
)
def test_compare_datasets_puts_out_the_preferred_item(engine: Engine, resolve: Any, expected: Any) -> None:
    items = [{"json": {"k": 1, "v": v}, "binary": {"f": text_file(f"{v}.txt", v)}} for v in ("a", "b")]
    parameters = {"mergeByFields": {"values": [{"field1": "k", "field2": "k"}]}, **resolve}
    document = workflow(
        [
            START,
            node("A", "limit", {"maxItems": 1}),
            node("B", "limit", {"maxItems": 1, "keep": "lastItems"}),
            node("N", "compareDatasets", parameters, 2.3),
        ],
        ("Start", "A"),
        ("Start", "B"),
        ("A", "N"),
        ("B", 0, "N", 1),
    )
    run = engine.run(document, items=items).data["resultData"]["runData"]["N"][0]
    [item] = run["data"]["main"][2]
    assert (item["json"], item["pairedItem"], names_of(item)) == expected


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"mode": "expression", "numberOutputs": 3, "output": 7}, "It has to be between 0 and 2"),
        ({"mode": "expression", "numberOutputs": 3, "output": 3}, "Output indexes are zero based"),
        ({"rules": {"values": []}, "options": {"fallbackOutput": 4}}, "It has to be between 0 and"),
    ],
)
def test_switch_says_which_outputs_there_are(engine: Engine, parameters: Any, said: str) -> None:
    outcome = engine.run(chain(START, node("N", "switch", parameters, 3.2)), items=ITEMS)
    assert outcome.data["resultData"]["error"]["description"].startswith(said)
