"""The memory of a run: counted, and refused before it is taken."""

import json
import tracemalloc
from typing import Any
from unittest.mock import MagicMock

import pytest

from app.binary_files import named_file
from app.engine.run.children import child_ports
from app.engine.run.context import NodeContext
from app.engine.run.memory import collect, weigh_outputs
from app.engine.run.meter import Meter, TooMuchData
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.engine.values import tables
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.workflows import START, assign, chain, code, no_op, node, set_field, workflow

MIB = 2**20
WIDE_FILE = {"binary": {"data": named_file(b"x" * 3 * MIB + "😀".encode(), "a.txt", "text/plain")}}
DECODERS = {
    "text": node("Node", "extractFromFile", {"operation": "text"}, 1.1),
    "csv": node("Node", "extractFromFile", {"operation": "csv"}, 1.1),
    "move": node("Node", "moveBinaryData", {"mode": "binaryToJson", "setAllData": False}),
}


@pytest.mark.parametrize("middle", DECODERS.values(), ids=DECODERS.keys())
def test_a_file_whose_text_would_take_too_much_is_not_decoded(engine: Engine, middle: dict[str, Any]) -> None:
    tracemalloc.start()
    outcome = run(engine, chain(START, middle), limit=10 * MIB, items=[{"json": {}, **WIDE_FILE}])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.error is not None
    assert "EXECUTIONS_RUN_BYTES" in outcome.error.message
    assert peak < 12 * MIB


def context_with(meter: Meter) -> NodeContext:
    """A run of a node that counts there."""
    execution, anything = MagicMock(ports=Ports(meter=meter)), MagicMock()
    return NodeContext(anything, [], None, 0, anything, anything, execution)


def test_no_node_gives_back_more_than_it_holds() -> None:
    """Others would get room that is not there."""
    share = MagicMock(held=0)
    share.take = lambda size: setattr(share, "held", share.held + size)
    context = context_with(Meter(share=share))
    context.hold(5)
    with pytest.raises(ValueError, match="6 bytes are given back where 5 are held"):
        context.hold(-6)
    with context.holding(3):  # a question that a program has asked is cancelled when its node has ended
        context.release(context.held)
    assert (context.held, share.held) == (0, 0)


def test_what_is_given_back_is_never_too_much() -> None:
    meter = Meter(limit=10)
    context = context_with(meter)
    context.hold(8)
    meter.take(5)  # of another part of the run
    context.hold(-2)
    context.release(6)
    assert context.held == 0


def test_what_is_only_passed_on_costs_little() -> None:
    given = [{"json": {"text": "x" * 1_000_000}, "pairedItem": {"item": 0}}]
    passed = [{**item, "pairedItem": {"item": 0}} for item in given]
    assert weigh_outputs([passed], [given], MIB) < 1_000
    assert weigh_outputs([passed], [], MIB) > 1_000_000


def test_what_is_collected_is_counted_before_it_is_all_there() -> None:
    meter, made = Meter(limit=MIB), 0

    def items() -> Any:
        nonlocal made
        while True:
            made += 1
            yield {"json": {"text": "x" * 100}}

    def hold(size: int) -> None:
        meter.add(size)

    with pytest.raises(TooMuchData, match="1 MiB"):
        collect(items(), hold)
    assert made < 10_000
    assert meter.used <= MIB


def run(engine: Engine, document: dict[str, Any], limit: int = 4 * MIB, **request: Any) -> RunOutcome:
    return engine.run(document, ports=Ports(history=MemoryHistory(), meter=Meter(limit)), **request)


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"json": {"n": place, **more}} for place in range(count)]


def combined(mode: dict[str, Any], version: float) -> dict[str, Any]:
    nodes = [START, node("A", "noOp"), node("B", "noOp"), node("Node", "merge", mode, version)]
    lines = [("Start", "A"), ("Start", "B"), ("A", 0, "Node", 0), ("B", 0, "Node", 1)]
    return workflow(nodes, *lines)


SAME = {"mergeByFields": {"values": [{"field1": "same", "field2": "same"}]}}
COMPARED = {**SAME, "options": {"multipleMatches": "all"}}
LISTS = "[" + "[]," * 1_000 + "[]]"
MULTIPLIERS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "Merge, all": (combined({"mode": "combine", "combineBy": "combineAll"}, 3), items(3_000)),
    "Merge 2, all": (combined({"mode": "combine", "combinationMode": "multiplex"}, 2), items(3_000)),
    "Merge 1, all": (combined({"mode": "multiplex"}, 1), items(3_000)),
    "Merge, fields": (combined({"mode": "combine", "advanced": True, **SAME}, 3), items(4_000, same=1)),
    "Compare Datasets": (
        workflow(
            [START, node("A", "noOp"), node("B", "noOp"), node("Node", "compareDatasets", COMPARED, 2.3)],
            ("Start", "A"),
            ("Start", "B"),
            ("A", 0, "Node", 0),
            ("B", 0, "Node", 1),
        ),
        items(4_000, same=1),
    ),
    "Split Out": (
        chain(START, node("Node", "splitOut", {"fieldToSplitOut": "list", "include": "allOtherFields"})),
        [{"json": {"list": list(range(4_000)), **{f"f{number}": number for number in range(4_000)}}}],
    ),
    "HTML": (
        chain(START, node("Node", "html", {"operation": "convertToHtmlTable"}, 1.2)),
        [{"json": {f"a{place}": 1}} for place in range(4_000)],
    ),
    "Edit Fields": (
        chain(START, node("Node", "set", assign(duplicateItem=True, duplicateCount=1_000), 3.4)),
        items(2_000),
    ),
    "Edit Fields, indexes": (
        chain(START, node("Node", "set", assign(*((f"a{place}[9999]", "number", 1) for place in range(20))), 3.4)),
        items(90),
    ),
    "Edit Fields, lists": (chain(START, node("Node", "set", assign(("a", "array", LISTS)), 3.4)), items(1_000)),
    "Edit Fields, JSON": (
        chain(START, node("Node", "set", {"mode": "raw", "jsonOutput": f'{{"a":{LISTS}}}'}, 3.4)),
        items(1_000),
    ),
    "Date & Time": (
        chain(START, node("Node", "dateTime", {"operation": "extractDate", "date": "2026", "part": "y" * 10_000}, 2)),
        items(1_000),
    ),
    "Rename Keys": (
        chain(START, node("Node", "renameKeys", {"keys": {"key": [{"currentKey": "n", "newKey": "m[99999]"}]}})),
        items(90),
    ),
}


@pytest.mark.parametrize("name", MULTIPLIERS)
def test_a_node_that_makes_much_of_little_is_refused_before_it_has_it(engine: Engine, name: str) -> None:
    document, given = MULTIPLIERS[name]
    tracemalloc.start()
    outcome = run(engine, document, limit=8 * MIB, items=given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.status == "error"
    assert outcome.error is not None
    assert outcome.error.node == "Node"
    assert "MiB" in outcome.error.message
    assert "EXECUTIONS_RUN_BYTES" in outcome.error.message
    assert peak < 64 * MIB


def test_the_text_of_a_table_is_counted_as_it_is_written() -> None:
    sizes: list[int] = []
    text = "\n".join(tables.write([{f"a{place}": 1} for place in range(100)], hold=sizes.append))
    assert len(text) - 1_000 < sum(sizes) <= len(text)


def test_a_program_that_answers_with_much_is_refused(engine: Engine) -> None:
    document = chain(START, code("return [{ json: { list: new Array(200000).fill([]) } }]"), no_op())
    tracemalloc.start()
    outcome = run(engine, document)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB
    assert outcome.error is not None
    assert outcome.error.node == "Code"
    assert "4 MiB" in outcome.error.message


def test_an_expression_that_gives_much_is_refused_before_it_is_read(engine: Engine) -> None:
    document = chain(START, node("Node", "set", assign(("a", "array", "={{ new Array(200000).fill([]) }}")), 3.4))
    tracemalloc.start()
    outcome = run(engine, document)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB
    assert outcome.error is not None
    assert "4 MiB" in outcome.error.message
    assert "EXECUTIONS_RUN_BYTES" in outcome.data["resultData"]["error"]["description"]


def test_more_values_than_a_worker_can_hold_are_not_even_read(engine: Engine) -> None:
    outcome = run(engine, chain(START, code("return [{ json: { list: new Array(5000000).fill([]) } }]")), limit=2**40)
    assert outcome.error is not None
    assert "values at once; no setting changes this" in outcome.error.message


def test_signs_within_a_text_are_no_values(engine: Engine) -> None:
    outcome = run(engine, chain(START, code("return [{ json: { text: ',[{'.repeat(1500000) } }]")), limit=2**40)
    assert outcome.status == "success"


def test_the_nodes_of_a_run_are_counted_together(engine: Engine) -> None:
    steps = [set_field(f"a{number}", "x" * 1_000_000, f"Step {number}") for number in range(6)]
    outcome = run(engine, chain(START, *steps))
    assert outcome.error is not None
    assert outcome.error.node in ("Step 3", "Step 4")


def test_a_part_of_a_run_begins_with_what_is_held_above_it() -> None:
    part = child_ports(Ports(meter=Meter(limit=10, used=4))).meter
    part.add(6)
    with pytest.raises(TooMuchData):
        part.add(1)


def test_parts_that_run_side_by_side_count_together() -> None:
    whole = Meter(limit=10, used=2)
    first, second = (child_ports(Ports(meter=whole)).meter for _ in range(2))
    inner = child_ports(Ports(meter=first.begin_part(1))).meter
    first.add(1)
    inner.add(4)
    assert (whole.used, second.room) == (2, 3)
    for meter in (whole, first, second, inner):
        with pytest.raises(TooMuchData):
            meter.add(4)
    inner.end_part()
    second.add(7)
    for meter in (first, second):
        meter.end_part()
    assert (whole.used, whole.room) == (2, 8)


def test_what_a_part_leaves_behind_is_held_by_what_it_was_a_part_of() -> None:
    whole = Meter(limit=10)
    use = whole.begin_part()
    tool = use.begin_part()
    tool.add(3)
    whole.add(1)
    assert (whole.used, whole.room) == (1, 6)
    tool.join_part()
    assert (use.used, whole.used, whole.room) == (3, 1, 6)
    use.join_part()
    assert (whole.used, whole.room) == (4, 6)


def test_sub_workflows_count_while_they_run_and_no_longer(engine: Engine) -> None:
    called = chain(node("Called", "executeWorkflowTrigger"), set_field("s", "={{ 'x'.repeat(1e6) }}"), no_op())
    calls = [
        node(f"Call {place}", "executeWorkflow", {"source": "parameter", "workflowJson": json.dumps(called)}, 1.2)
        for place in range(6)
    ]
    meter = Meter(limit=4 * MIB)
    outcome = engine.run(chain(START, *calls), ports=Ports(history=MemoryHistory(), meter=meter))
    assert outcome.error is not None
    assert outcome.error.node == "Call 3"  # what it is given counts once more within it
    assert 3 * 10**6 < meter.used < 3 * 10**6 + 10**5
    assert meter.room == meter.limit - meter.used


def test_data_that_is_passed_on_from_node_to_node_counts_once(engine: Engine) -> None:
    steps = [no_op(f"Step {number}") for number in range(20)]
    assert run(engine, chain(START, set_field("a", "x" * 1_000_000), *steps)).status == "success"


def test_a_run_that_goes_on_has_its_earlier_data_counted(engine: Engine) -> None:
    document = chain(START, set_field("a", "x" * 2_000_000), node("Halt", "stopAndError", {"errorMessage": "no"}))
    ended = run(engine, document, limit=16 * MIB)
    meter = Meter(16 * MIB)
    engine.run(document, resume=ended.data, ports=Ports(history=MemoryHistory(), meter=meter))
    assert meter.used > 2_000_000


def test_the_texts_of_errors_that_a_run_goes_on_from_are_counted(engine: Engine) -> None:
    failing = [
        node(f"Step {number}", "stopAndError", {"errorMessage": "x" * 1_000_000}) | {"onError": "continueRegularOutput"}
        for number in range(5)
    ]
    outcome = run(engine, chain(START, *failing, no_op()))
    runs = outcome.data["resultData"]["runData"]
    messages = [runs[step["name"]][0]["error"]["message"] for step in failing]
    assert [len(message) for message in messages[:1]] == [1_000_000]
    assert all("EXECUTIONS_RUN_BYTES" in message for message in messages[2:])
