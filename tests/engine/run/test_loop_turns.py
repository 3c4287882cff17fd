"""Nodes with many or large items let the loop turn: what takes long yields, or has a thread."""

import asyncio
import time
from typing import Any

import pytest

from app.engine.run import computing
from app.engine.run.computing import FEW
from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.workflows import START, assign, chain, condition, node, workflow

MANY = 20_000
MAX_CPU = 0.4
"""CPU seconds that the loop's thread may take between two turns of the loop."""


def items(count: int = MANY) -> list[dict[str, Any]]:
    return [
        {"json": {"n": place * 7919 % count, "s": f"text {place % 100}", "day": "2026-01-02"}} for place in range(count)
    ]


def two_inputs(middle: dict[str, Any]) -> dict[str, Any]:
    lines = [("Start", "A"), ("Start", "B"), ("A", 0, middle["name"], 0), ("B", 0, middle["name"], 1)]
    return workflow([START, node("A", "noOp"), node("B", "noOp"), middle], *lines)


BY_N = {"mergeByFields": {"values": [{"field1": "n", "field2": "n"}]}}
SORTED = {"sortFieldsUi": {"sortField": [{"fieldName": "s"}, {"fieldName": "n", "order": "descending"}]}}
SUMS = {"fieldsToSummarize": {"values": [{"field": "n", "aggregation": "sum"}]}, "fieldsToSplitBy": "s"}
HOLDERS = {
    "sort": chain(START, node("Node", "sort", SORTED)),
    "summarize": chain(START, node("Node", "summarize", SUMS, 1.1)),
    "removeDuplicates": chain(START, node("Node", "removeDuplicates", {}, 1.1)),
    "aggregate": chain(START, node("Node", "aggregate", {"aggregate": "aggregateAllItemData"})),
    "set": chain(
        START, node("Node", "set", assign(("a", "number", "5"), ("b.c", "string", "x"), includeOtherFields=True), 3.4)
    ),
    "if": chain(START, node("Node", "if", condition("2026-01-01", "dateTime", "before", "2026-01-02"), 2.2)),
    "convertToFile": chain(START, node("Node", "convertToFile", {"operation": "csv"}, 1.1)),
    "html": chain(START, node("Node", "html", {"operation": "convertToHtmlTable"}, 1.2)),
    "hash": chain(START, node("Node", "crypto", {"action": "hash", "value": "x" * 1000, "type": "SHA512"})),
    "merge": two_inputs(node("Node", "merge", {"mode": "combine", "advanced": True, **BY_N}, 3)),
    "compareDatasets": two_inputs(node("Node", "compareDatasets", BY_N, 2.3)),
}


@pytest.mark.parametrize("document", HOLDERS.values(), ids=HOLDERS.keys())
def test_a_node_with_many_items_lets_the_loop_turn(engine: Engine, document: dict[str, Any]) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.thread_time() - began)

    async def start() -> asyncio.Task[None]:
        return asyncio.create_task(watch())

    watching = engine.runner.run(start())
    outcome = engine.run(document, items=items())
    watching.cancel()
    assert outcome.status == "success", outcome.error
    assert longest < MAX_CPU


def by_regex(pattern: str) -> dict[str, Any]:
    return condition("={{ $json.s }}", "string", "regex", pattern)


RULES = {"rules": {"values": [{**condition("={{ $json.n }}", "number", "gt", 5), "outputKey": "more"}]}}
FORMAT = {"operation": "formatDate", "date": "={{ $json.day }}", "format": "yyyy"}
RENAMED = {"keys": {"key": [{"currentKey": "n", "newKey": "m"}]}}
YIELDING = {
    "dateTime": (node("Node", "dateTime", FORMAT, 2), {"_begin", "fill_all", "_rows", "_length"}, 1),
    "filter": (node("Node", "filter", by_regex("9"), 2.2), {"_begin", "fill_all", "_length"}, 4),
    "html": (node("Node", "html", {"html": "<b>{{ $json.n }}</b>"}, 1.2), {"fill_all"}, 1),
    "if": (node("Node", "if", condition("2026-01-01", "dateTime", "before", "={{ $json.day }}"), 2.2), {"fill_all"}, 5),
    "renameKeys": (node("Node", "renameKeys", RENAMED), {"_begin"}, 1),
    "sort": (node("Node", "sort", {"type": "random"}), {"sample"}, 0),
    "xml": (node("Node", "xml", {"mode": "jsonToxml"}), {"_length"}, 2),
    "switch": (node("Node", "switch", RULES, 3.2), {"fill_all", "_filters_of", "_places"}, 4),
}
"""A node that looks at each of its items, what it computes in a thread, and how often it yields for each of them."""


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Has an entry for each turn that the loop was let have; where a node may yield, it does."""
    monkeypatch.setattr(computing, "SLICE_SECONDS", -1)
    turns: list[float] = []
    sleep = asyncio.sleep

    async def count_turns(seconds: float) -> None:
        if seconds == 0:
            turns.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", count_turns)
    return turns


@pytest.mark.parametrize("case", YIELDING.values(), ids=YIELDING.keys())
def test_what_is_done_for_each_item_yields_or_has_a_thread(
    engine: Engine, beside: list[str], turns: list[float], case: tuple[dict[str, Any], set[str], int]
) -> None:
    middle, threads, times = case
    count = 2_100
    outcome = engine.run(chain(START, middle), items=items(count))
    assert outcome.status == "success", outcome.error
    assert threads <= set(beside)
    assert len(turns) >= count * times


NAMES = [f"f{number}" for number in range(2_100)]
MANY_FIELDS = {"values": [{"field": name, "aggregation": "count"} for name in NAMES]}
MANY_PAIRS = {"mergeByFields": {"values": [{"field1": name, "field2": name} for name in NAMES]}}
AGGREGATED = {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": name} for name in NAMES]}}
SORTED_BY_MANY = {"sortFieldsUi": {"sortField": [{"fieldName": name} for name in NAMES]}}
HEADERS = [{"name": name, "value": "x"} for name in NAMES]
GOES_ON = {"onError": "continueRegularOutput"}
ENTRIES = {
    "summarize": (node("Node", "summarize", {"fieldsToSummarize": MANY_FIELDS}, 1.1), {"collect", "_missing_field"}),
    "summarize by many": (node("Node", "summarize", {**SUMS, "fieldsToSplitBy": ",".join(NAMES)}, 1.1), {"collect"}),
    "aggregate": (node("Node", "aggregate", AGGREGATED), {"_aggregate", "_missing_fields"}),
    "sort": (node("Node", "sort", SORTED_BY_MANY), {"sort_by_fields"}),
    "removeDuplicates": (
        node("Node", "removeDuplicates", {"compare": "selectedFields", "fieldsToCompare": ",".join(NAMES)}, 1.1),
        {"drop_duplicates"},
    ),
    "itemLists": (
        node("Node", "itemLists", {"operation": "aggregateItems", **AGGREGATED}, 1),
        {"_aggregate", "_check_present"},
    ),
    "html": (node("Node", "html", {"operation": "convertToHtmlTable"}, 1.2), {"_write_table"}),
    "set": (node("Node", "set", assign(*((name, "number", "1") for name in NAMES)), 3.4), {"_compose"}),
    "set without many": (
        node("Node", "set", assign(includeOtherFields=True, include="except", excludeFields=",".join(NAMES)), 3.4),
        {"_compose"},
    ),
    "merge": (node("Node", "merge", {"mode": "combine", "advanced": True, **MANY_PAIRS}, 3), {"_merge"}),
    "old if": (node("Node", "if", {"conditions": {"string": [{"value1": name} for name in NAMES]}}), {"read_rows"}),
    "old switch": (
        node("Node", "switch", {"dataType": "string", "rules": {"rules": [{"value2": name} for name in NAMES]}}, 2),
        {"read_rows"},
    ),
    "httpRequest": (
        node("Node", "httpRequest", {"url": "none", "headerParameters": {"parameters": HEADERS}}, 4.2, **GOES_ON),
        {"prepare"},
    ),
    "compareDatasets": (node("Node", "compareDatasets", MANY_PAIRS, 2.3), {"_compare"}),
}
"""A node whose work grows with what its parameters list or with the fields of an item, and what it does in a thread."""


@pytest.mark.parametrize("case", ENTRIES.values(), ids=ENTRIES.keys())
def test_few_items_and_much_to_do_with_each_have_a_thread(
    engine: Engine, beside: list[str], case: tuple[dict[str, Any], set[str]]
) -> None:
    middle, threads = case
    wide = [{"json": dict.fromkeys(NAMES, number)} for number in range(5)]
    assert engine.run(two_inputs(middle), items=wide).status == "success"
    assert threads <= set(beside)


RENAMED_DEEP = {"keys": {"key": [{"currentKey": f"a.{name}", "newKey": f"a.x{name}"} for name in NAMES]}}
SET_DEEP = {"values": {"string": [{"name": f"a.{name}", "value": "x"} for name in NAMES]}, "options": {}}


@pytest.mark.parametrize("middle", [node("Node", "renameKeys", RENAMED_DEEP), node("Node", "set", SET_DEEP, 2)])
def test_what_is_done_for_each_entry_yields(engine: Engine, turns: list[float], middle: dict[str, Any]) -> None:
    assert engine.run(chain(START, middle), items=[{"json": {"a": dict.fromkeys(NAMES, 1)}}]).status == "success"
    assert len(turns) >= len(NAMES)


def test_what_a_loop_gives_back_is_marked_in_a_thread(engine: Engine, beside: list[str]) -> None:
    nodes = [START, node("Loop", "splitInBatches", {"batchSize": MANY}, 3), node("Work", "noOp")]
    looped = workflow(nodes, ("Start", 0, "Loop"), ("Loop", 1, "Work"), ("Work", 0, "Loop"))
    assert engine.run(looped, items=items(2_100)).status == "success"
    assert "_add_source" in beside


class OddTable:
    """A data table that keeps nothing."""

    async def insert(self, table_id: str, rows: list[Any], *, zone: str) -> list[dict[str, Any]]:
        return [{"id": number, **row} for number, row in enumerate(rows)]


def test_rows_of_a_data_table_are_made_between_turns(engine: Engine, beside: list[str], turns: list[float]) -> None:
    parameters = {"dataTableId": {"mode": "id", "value": "t"}, "columns": {"mappingMode": "autoMapInputData"}}
    document = chain(START, node("Node", "dataTable", parameters, 1.1))
    tables: Any = OddTable()
    outcome = engine.run(document, items=items(FEW + 1), ports=Ports(data_tables=tables))
    assert outcome.status == "success", outcome.error
    assert len(turns) >= 2 * FEW
    assert "_counted_items" in beside


def test_what_expressions_see_is_weighed_beside_the_loop(engine: Engine, beside: list[str]) -> None:
    document = chain(START, node("Node", "set", assign(("a", "string", "={{ $json.n }}")), 3.4))
    given = [{"json": {"n": place, "s": "x" * 2_900}} for place in range(FEW + 100)]
    outcome = engine.run(document, items=given, ports=Ports(history=MemoryHistory(), meter=Meter(1_200_000)))
    assert outcome.status == "success", outcome.error
    assert "length_of_texts" in beside


HEAVY = {"long": {"s": "x" * 2**21}, "many": {"s": list(range(20_000))}, "deep": {"s": {"t": {"u": ["y" * 2**21]}}}}


@pytest.mark.parametrize("json", HEAVY.values(), ids=HEAVY.keys())
def test_few_items_that_are_large_are_weighed_beside_the_loop(
    engine: Engine, beside: list[str], json: dict[str, Any]
) -> None:
    document = chain(START, node("Node", "set", assign(("a", "string", "x"), includeOtherFields=True), 3.4))
    assert engine.run(document, items=[{"json": {"s": 1}}]).status == "success"
    assert beside == []
    assert engine.run(document, items=[{"json": json}]).status == "success"
    assert {"_count_memory", "weigh_outputs"} <= set(beside)


PART = {"mode": "jsonToBinary", "convertAllData": False, "sourceKey": "n"}
ONE_ARRAY = {
    "mappingMode": "defineBelow",
    "value": {"a": "={{ $json.s }}"},
    "schema": [{"id": "a", "type": "array"}],
    "attemptToConvertTypes": True,
}
NOTHING = {"__rl": True, "mode": "id", "value": "={{ '' }}"}
CALL = {"workflowId": NOTHING, "workflowInputs": ONE_ARRAY}
"""It fails with what it calls, once it has converted what it hands over."""


@pytest.mark.parametrize(
    ("middle", "work"),
    [
        (node("Node", "moveBinaryData", PART), "_to_file"),
        (node("Node", "executeWorkflow", CALL, 1.2, **GOES_ON), "_convert_all"),
    ],
    ids=["copied", "converted"],
)
def test_what_is_large_in_an_item_is_taken_apart_in_a_thread(
    engine: Engine, beside: list[str], middle: dict[str, Any], work: str
) -> None:
    large = "[" + "1," * 2**19 + "1]"
    outcome = engine.run(chain(START, middle), items=[{"json": {"s": large, "n": 1}}])
    assert outcome.status == "success", outcome.error
    assert work in beside
