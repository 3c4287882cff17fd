"""The way from an item back to the item of an earlier node that it was made from."""

import pytest

from app.engine.run.paired_items import Ancestry
from tests.engine.running import output_of
from tests.workflows import START, assign, chain, node


def run(items, *sources):
    return {"source": [{"previousNode": name, "previousNodeRun": r} for name, r in sources], "data": {"main": [items]}}


def item(*pairs):
    return {"json": {}, "pairedItem": [{"item": place, "input": number} for number, place in pairs]}


def test_the_way_is_followed_through_every_node():
    data = {
        "A": [run([{"json": {}}, {"json": {}}])],
        "B": [run([{"json": {}, "pairedItem": {"item": 1}}], ("A", 0))],
    }
    ancestry = Ancestry(data, [{"previousNode": "B"}], frozenset())
    assert ancestry.find("A", 0) == [0, 0, 1]
    assert ancestry.find("B", 0) == [0, 0, 0]
    assert ancestry.find("Z", 0) is None


def test_of_several_parents_that_agree_the_one_is_found_and_of_those_that_do_not_none():
    data = {
        "A": [run([{"json": {}}, {"json": {}}])],
        "B": [run([{"json": {}, "pairedItem": 0}], ("A", 0))],
        "M": [run([item((0, 0), (1, 0)), item((0, 1), (1, 0))], ("A", 0), ("B", 0))],
    }
    ancestry = Ancestry(data, [{"previousNode": "M"}], frozenset())
    assert ancestry.find("A", 0) == [0, 0, 0]
    assert ancestry.find("A", 1) == "Multiple matches found"


def test_a_loop_in_the_pairing_ends():
    data = {"A": [run([{"json": {}, "pairedItem": 0}], ("A", 0))]}
    assert Ancestry(data, [{"previousNode": "A"}], frozenset()).find("Z", 0) is None


def test_a_way_of_many_merges_is_walked_once():
    """Twenty merges of a node with itself have a million ways back."""
    data = {"N0": [run([{"json": {}}])]}
    for number in range(1, 21):
        before = f"N{number - 1}"
        data[f"N{number}"] = [run([item((0, 0), (1, 0))], (before, 0), (before, 0))]
    assert Ancestry(data, [{"previousNode": "N20"}], frozenset()).find("N0", 0) == [0, 0, 0]


def test_a_loop_over_items_keeps_its_pairing_over_a_wait_for_each_batch(engine):
    loop = node("Loop", "splitInBatches", {"batchSize": 1}, 3)
    wait = node("Wait", "wait", {"unit": "hours"}, 1.1)
    back = node("Back", "set", assign(("was", "number", "={{ $('Start').item.json.n }}")), 3.4)
    document = chain(START, loop)
    document["nodes"] += [wait, back, node("Done", "noOp")]
    document["connections"]["Loop"] = {"main": [[{"node": "Done", "index": 0}], [{"node": "Wait", "index": 0}]]}
    document["connections"]["Wait"] = {"main": [[{"node": "Back", "index": 0}]]}
    document["connections"]["Back"] = {"main": [[{"node": "Loop", "index": 0}]]}
    outcome = engine.run(document, items=[{"json": {"n": n}} for n in (1, 2, 3)])
    for _ in range(3):
        assert outcome.status == "waiting"
        outcome = engine.run(document, resume=outcome.data)
    assert outcome.status == "success"
    assert output_of(outcome, "Done") == [{"was": 1}, {"was": 2}, {"was": 3}]


def test_the_first_batch_of_a_loop_names_no_other_source(engine):
    """Later ones do: the run that puts them out has been called by another node."""
    loop = node("Loop", "splitInBatches", {"batchSize": 1}, 3)
    document = chain(START, loop)
    document["nodes"] += [node("Body", "noOp"), node("Done", "noOp")]
    document["connections"]["Loop"] = {"main": [[{"node": "Done", "index": 0}], [{"node": "Body", "index": 0}]]}
    document["connections"]["Body"] = {"main": [[{"node": "Loop", "index": 0}]]}
    document["pinData"] = {"Start": [{"json": {}}, {"json": {}}]}
    runs = engine.run(document, start_node="Start").data["resultData"]["runData"]["Loop"]
    source = {"previousNode": "Start", "previousNodeOutput": 0, "previousNodeRun": 0}
    assert [run["data"]["main"][1][0]["pairedItem"] for run in runs[:2]] == [
        {"item": 0},
        {"item": 1, "sourceOverwrite": source},
    ]


@pytest.mark.parametrize(
    ("join", "clash", "inputs"),
    [
        ("enrichInput1", "preferInput1", [1, 0]),
        ("enrichInput1", None, [0, 1]),
        ("enrichInput2", "addSuffix", [0, 1]),
        ("enrichInput2", None, [1, 0]),
    ],
)
def test_of_a_match_the_item_that_overrides_the_other_is_named_last(engine, join, clash, inputs):
    handling = {"clashHandling": {"values": {"resolveClash": clash}}} if clash else {}
    given = {"mode": "combine", "fieldsToMatchString": "k", "joinMode": join, "options": handling}
    document = chain(START, node("Merge", "merge", given, 3.2))
    document["connections"]["Start"]["main"][0].append({"node": "Merge", "index": 1})
    document["pinData"] = {"Start": [{"json": {"k": 1}}]}
    [run] = engine.run(document, start_node="Start").data["resultData"]["runData"]["Merge"]
    assert [pair["input"] for pair in run["data"]["main"][0][0]["pairedItem"]] == inputs


def test_merge_1_that_waits_is_paired_with_all_of_its_first_input(engine):
    document = chain(START, node("Merge", "merge", {"mode": "wait"}, 1))
    document["pinData"] = {"Start": [{"json": {}}, {"json": {}}]}
    [run] = engine.run(document, start_node="Start").data["resultData"]["runData"]["Merge"]
    assert run["data"]["main"][0] == [{"json": {}, "pairedItem": [{"item": 0}, {"item": 1}]}]
