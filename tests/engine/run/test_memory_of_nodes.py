"""What a node makes of its parameters for each item is refused before it is there, whatever node it is."""

import gzip
import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.binary_files import file_entry
from app.engine.nodes.aggregate import aggregate_fields
from app.engine.nodes.merge import merge, merge_v1
from app.engine.nodes.merge.matching import match
from app.engine.nodes.summarize import summaries
from app.engine.run.memory import POINTER
from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.workflows import START, chain, condition, node, set_field, workflow

MIB = 2**20
Json = dict[str, Any]


def one(kind: str, parameters: Json, version: float, **settings: Any) -> Json:
    return chain(START, node("Node", kind, parameters, version, **settings))


def two(parameters: Json, version: float) -> Json:
    nodes = [START, node("A", "noOp"), node("B", "noOp"), node("Node", "merge", parameters, version)]
    return workflow(nodes, ("Start", "A"), ("Start", "B"), ("A", 0, "Node", 0), ("B", 0, "Node", 1))


def items(count: int, **json: Any) -> list[Json]:
    return [{"json": {"n": place, "s": "x", **json}} for place in range(count)]


def files(count: int, content: bytes, name: str) -> list[Json]:
    file = file_entry(content, "application/octet-stream", name)
    return [{"json": {}, "binary": {"data": file}} for _ in range(count)]


def zip_of(content: bytes, method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("a", content)
    return made.getvalue()


def tar_of_a_long_name() -> bytes:
    """A tar archive whose one file has a name that never ends."""
    header = tarfile.TarInfo("a")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**31
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(4 * MIB))


def wide(count: int) -> list[Json]:
    return [{"json": {f"a{place}": 1 for place in range(count)}}]


def summarize(fields: list[Json], split_by: str = "") -> Json:
    return one("summarize", {"fieldsToSummarize": {"values": fields}, "fieldsToSplitBy": split_by}, 1.1)


def to_file(operation: str, **parameters: Any) -> Json:
    return one("convertToFile", {"operation": operation, **parameters}, 1.1)


def each_to(sub_workflow: Json) -> Json:
    called = {"source": "parameter", "workflowJson": json.dumps(sub_workflow), "mode": "each"}
    return one("executeWorkflow", called, 1.2)


LONG = "x" * 20_000
DEEP: Any = [1] * 3_000
for _ in range(200):
    DEEP = [DEEP]
COMBINED = {"mode": "combine", "combineBy": "combineByPosition"}
MAKERS: dict[str, tuple[Json, list[Json]]] = {
    "Summarize, separators": (
        summarize(
            [{"field": "s", "aggregation": "concatenate", "separateBy": "other", "customSeparator": "y" * 100_000}]
        ),
        items(300),
    ),
    "Remove Duplicates, names": (
        one("removeDuplicates", {}, 2),
        [{"json": {LONG: list(range(1_000))}}],
    ),
    "Convert to File, names": (to_file("csv"), [{"json": {LONG: list(range(1_000))}}]),
    "Convert to File, sheet": (to_file("xlsx"), [{"json": {LONG: list(range(1_000))}}]),
    "Convert to File, delimiters": (to_file("csv", options={"delimiter": LONG}), wide(1_000)),
    "Convert to File, levels": (to_file("toJson", options={"format": True}), [{"json": {"a": [DEEP] * 10}}]),
    "Convert to File, titles": (
        to_file("iCal", title=LONG, start="2026-01-01", end="2026-01-02"),
        items(40) * 25,
    ),
    "Convert to File, encodings": (
        to_file("toText", sourceProperty="s", options={"encoding": "utf32"}),
        [{"json": {"s": "x" * 270_000}}],
    ),
    "Convert to File, failures": (
        one("convertToFile", {"operation": "toText", "sourceProperty": LONG}, 1.1, onError="continueRegularOutput"),
        items(1_000),
    ),
    "Merge, inputs": (two({**COMBINED, "numberInputs": 1_000_000}, 3), items(1)),
    "Switch, outputs": (
        one("switch", {"mode": "expression", "numberOutputs": 1_000_000, "output": 1}, 3.2),
        items(1),
    ),
    "HTML, cells": (
        one(
            "html",
            {"operation": "convertToHtmlTable", "options": {"customStyling": True, "cellAttributes": LONG}},
            1.2,
        ),
        wide(1_000),
    ),
    "HTML, selectors": (
        one(
            "html",
            {
                "operation": "extractHtmlContent",
                "dataPropertyName": "s",
                "extractionValues": {"values": [{"key": "a", "cssSelector": f"b,{LONG}"}]},
            },
            1.2,
        ),
        items(1_000),
    ),
    "Switch, rules": (
        one("switch", {"rules": {"values": [condition("={{ $json.n }}", "string", "equals", "a")] * 400}}, 3.2),
        items(100),
    ),
    "HTML, templates": (one("html", {"html": LONG + "{{ $json.n }}"}, 1.2), items(1_000)),
    "Crypto, random texts": (
        one("crypto", {"action": "generate", "encodingType": "hex", "stringLength": 65_536}, 1),
        items(500),
    ),
    "Compression, files": (
        one("compression", {"operation": "decompress"}, 1.1),
        files(1, gzip.compress(bytes(20 * MIB)), "a.gz"),
    ),
    "Compression, the same file": (
        one(
            "compression",
            {
                "operation": "compress",
                "outputFormat": "zip",
                "fileName": "a.zip",
                "binaryPropertyName": "data," * 999 + "data",
            },
            1.1,
        ),
        files(1, bytes(50_000), "a.bin"),
    ),
    "Move Binary Data, characters": (
        one("moveBinaryData", {"mode": "binaryToJson"}, 1),
        files(1, b'"' + b"ab" * 100_000 + b'"', "a.json"),
    ),
    "Extract From File, a row": (
        one("extractFromFile", {"operation": "csv", "options": {"headerRow": False, "maxRowCount": 1}}, 1.1),
        files(1, b"ab," * 150_000, "a.csv"),
    ),
    "Execute Workflow, each": (
        each_to(chain(node("Called", "executeWorkflowTrigger"), set_field("s", "={{ 'x'.repeat(1e6) }}"))),
        items(30),
    ),
    "Split Out, entries": (one("splitOut", {"fieldToSplitOut": "l"}, 1), [{"json": {"l": [[1] * 15_000]}}]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_much_that_is_made_of_parameters_is_refused_before_it_is_there(engine: Engine, name: str) -> None:
    document, given = MAKERS[name]
    ports = Ports(history=MemoryHistory(), meter=Meter(2 * MIB))
    tracemalloc.start()
    outcome = engine.run(document, ports=ports, items=given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.error is not None
    assert outcome.error.node == "Node"
    assert "EXECUTIONS_RUN_BYTES" in outcome.data["resultData"]["error"]["description"]
    assert peak < 16 * MIB


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (tar_of_a_long_name, "a.tgz"),
        (partial(zip_of, bytes(40 * MIB), zipfile.ZIP_BZIP2), "a.zip"),
    ],
)
def test_an_archive_is_not_unpacked_at_one_go(engine: Engine, pack: Callable[[], bytes], name: str) -> None:
    document = one("compression", {"operation": "decompress"}, 1.1)
    content = pack()
    tracemalloc.start()
    outcome = engine.run(document, items=files(1, content, name))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.error is not None
    assert peak < 12 * MIB


@pytest.mark.parametrize(
    "document",
    [
        one("sort", {"sortFieldsUi": {"sortField": [{"fieldName": "n"}] * 300}}, 1),
        one("removeDuplicates", {"compare": "selectedFields", "fieldsToCompare": "n," * 300}, 2),
    ],
)
def test_many_fields_of_items_that_are_only_compared_are_counted(engine: Engine, document: Json) -> None:
    outcome = engine.run(document, ports=Ports(history=MemoryHistory(), meter=Meter(250_000)), items=items(100))
    assert outcome.error is not None
    assert outcome.error.node == "Node"


@pytest.mark.parametrize(
    ("module", "name", "document"),
    [(merge, "_merge_row", two(COMBINED, 3)), (merge_v1, "_join", two({"mode": "mergeByIndex"}, 1))],
)
def test_merged_rows_are_counted_as_they_are_made(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, document: Json
) -> None:
    made: list[int] = []
    make = getattr(module, name)

    def counted(*arguments: Any) -> Any:
        made.append(1)
        return make(*arguments)

    monkeypatch.setattr(module, name, counted)
    ports = Ports(history=MemoryHistory(), meter=Meter(2_300_000))
    outcome = engine.run(document, ports=ports, items=items(1_000, t="x" * 100))
    assert outcome.error is not None
    assert outcome.error.node == "Node"
    assert 0 < len(made) < 1_000


def test_the_lists_of_each_field_are_counted() -> None:
    sizes: list[int] = []
    documents = [{"n": place} for place in range(100)]
    named = [{"fieldToAggregate": "n", "renameField": True, "outputFieldName": f"o{place}"} for place in range(10)]
    aggregate_fields(documents, named, {}, sizes.append)
    assert sum(sizes) >= POINTER * 10 * 100
    sizes.clear()
    fields = [{"field": "n", "aggregation": "append"}] * 10
    parameters = {"fieldsToSummarize": {"values": fields}, "fieldsToSplitBy": "n"}
    assert (
        len(list(summaries([{"json": each} for each in documents], parameters, 1.1, sizes.append, checks=False))) == 100
    )
    assert sum(sizes) >= POINTER * (10 * 100 + 100)


def test_items_may_be_grouped_by_more_fields_than_python_calls_deep() -> None:
    parameters = {
        "fieldsToSummarize": {"values": [{"field": "n", "aggregation": "sum"}]},
        "fieldsToSplitBy": [f"a{place}" for place in range(1_500)],
    }
    given: list[Any] = [{"json": {"n": 1}}, {"json": {"n": 2, "a1499": "x"}}, {"json": {"n": 4}}]
    made = [item["json"]["sum_n"] for item in summaries(given, parameters, 1.1, lambda size: None, checks=False)]
    assert made == [5, 2]


def test_items_that_match_alike_share_the_list_of_their_partners() -> None:
    first = [{"json": {"k": 1}}, {"json": {"k": 1}}]
    second = [{"json": {"k": 1 if place % 2 else "1"}} for place in range(6)]
    found = match(first, second, [("k", "k")], dots=True, fuzzy=True, first_only=False)
    assert found.partners[0] == [0, 1, 2, 3, 4, 5]
    assert found.partners[0] is found.partners[1]
