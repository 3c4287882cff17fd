"""In which order nodes run, with what, and what is written down about it."""

import orjson
import pytest

from tests.engine.running import order, output_of
from tests.workflows import START, assign, chain, condition, node, workflow


def at(x, y, entry):
    return {**entry, "position": [x, y]}


def test_a_run_is_written_down_in_n8ns_shape(engine):
    outcome = engine.run(chain(START, node("A", "noOp")), items=[{"json": {"n": 1}}])
    assert outcome.status == "success"
    assert outcome.error is None
    data = outcome.data
    assert orjson.loads(orjson.dumps(data)) == data
    assert data["resultData"]["lastNodeExecuted"] == "A"
    assert data["executionData"] == {
        "contextData": {},
        "nodeExecutionStack": [],
        "metadata": {},
        "waitingExecution": {},
        "waitingExecutionSource": {},
    }
    run = data["resultData"]["runData"]["A"][0]
    assert run["startTime"] > 1_700_000_000_000
    assert 0 <= run["executionTime"] < 1_000
    assert {key: value for key, value in run.items() if key not in ("startTime", "executionTime")} == {
        "executionIndex": 1,
        "executionStatus": "success",
        "source": [{"previousNode": "Start", "previousNodeOutput": 0, "previousNodeRun": 0}],
        "hints": [],
        "data": {"main": [[{"json": {"n": 1}, "pairedItem": {"item": 0}}]]},
    }
    assert data["resultData"]["runData"]["Start"][0]["source"] == []


def test_branches_run_depth_first_from_the_top_left(engine):
    nodes = [
        START,
        at(200, 100, node("Low", "noOp")),
        at(200, 0, node("High", "noOp")),
        at(100, 100, node("LowLeft", "noOp")),
        at(400, 300, node("AfterHigh", "noOp")),
    ]
    lines = [("Start", "Low"), ("Start", "High"), ("Start", "LowLeft"), ("High", "AfterHigh")]
    assert order(engine.run(workflow(nodes, *lines))) == ["Start", "High", "AfterHigh", "LowLeft", "Low"]


def test_of_nodes_at_the_same_place_the_one_connected_last_runs_first(engine):
    nodes = [START, node("A", "noOp"), node("B", "noOp")]
    assert order(engine.run(workflow(nodes, ("Start", "A"), ("Start", "B")))) == ["Start", "B", "A"]


def test_a_node_with_two_inputs_waits_for_both(engine):
    nodes = [START, at(0, 1, node("A", "noOp")), at(0, 2, node("B", "noOp")), node("Both", "noOp")]
    outcome = engine.run(workflow(nodes, ("Start", "A"), ("Start", "B"), ("A", 0, "Both", 0), ("B", 0, "Both", 1)))
    assert order(outcome) == ["Start", "A", "B", "Both"]
    sources = outcome.data["resultData"]["runData"]["Both"][0]["source"]
    assert [source["previousNode"] for source in sources] == ["A", "B"]


def test_a_node_whose_other_input_never_comes_runs_when_nothing_else_is_due(engine):
    check = node("If", "if", condition(1, "number", "equals", 1), 2.2)
    nodes = [START, check, at(0, 1, node("Yes", "noOp")), at(0, 2, node("No", "noOp")), node("Both", "noOp")]
    lines = [("Start", "If"), ("If", 0, "Yes", 0), ("If", 1, "No", 0), ("Yes", 0, "Both", 0), ("No", 0, "Both", 1)]
    outcome = engine.run(workflow(nodes, *lines))
    assert order(outcome) == ["Start", "If", "Yes", "Both"]
    assert outcome.data["resultData"]["runData"]["Both"][0]["source"][1] is None


def test_a_loop_runs_its_nodes_several_times(engine):
    count = node("Count", "set", assign(("n", "number", "={{ $json.n + 1 }}")), 3.4)
    check = node("If", "if", condition("={{ $json.n }}", "number", "gte", 50), 2.2)
    nodes = [START, count, check, node("Done", "noOp")]
    lines = [("Start", "Count"), ("Count", "If"), ("If", 0, "Done", 0), ("If", 1, "Count", 0)]
    outcome = engine.run(workflow(nodes, *lines), items=[{"json": {"n": 0}}])
    assert output_of(outcome, "Done") == [{"n": 50}]
    assert len(outcome.data["resultData"]["runData"]["Count"]) == 50
    assert outcome.data["resultData"]["runData"]["Count"][7]["source"][0] == {
        "previousNode": "If",
        "previousNodeOutput": 1,
        "previousNodeRun": 6,
    }


def test_a_long_loop_without_expressions_is_quick_and_needs_no_recursion(engine):
    wide = [node(f"N{number}", "noOp") for number in range(2_000)]
    outcome = engine.run(chain(START, *wide))
    assert outcome.status == "success"
    assert len(outcome.data["resultData"]["runData"]) == 2_001


def test_one_node_hands_on_to_many(engine):
    wide = [at(0, number, node(f"N{number}", "noOp")) for number in range(200)]
    outcome = engine.run(workflow([START, *wide], *(("Start", entry["name"]) for entry in wide)))
    assert order(outcome) == ["Start", *(entry["name"] for entry in wide)]


def test_a_thousand_items_keep_their_order_and_their_pairing(engine):
    nodes = [
        START,
        node("Keep", "filter", condition("={{ $json.n % 2 }}", "number", "equals", 0), 2.2),
        node("Back", "set", assign(("was", "number", "={{ $('Start').item.json.n }}")), 3.4),
    ]
    outcome = engine.run(chain(*nodes), items=[{"json": {"n": n}} for n in range(1_000)])
    assert output_of(outcome, "Back") == [{"was": n} for n in range(0, 1_000, 2)]


def test_items_are_not_shared_between_branches(engine):
    change = node("Change", "set", assign(("deep.x", "number", 2), includeOtherFields=True), 3.4)
    nodes = [START, at(0, 1, change), at(0, 2, node("Other", "noOp"))]
    outcome = engine.run(workflow(nodes, ("Start", "Change"), ("Start", "Other")), items=[{"json": {"deep": {"x": 1}}}])
    assert output_of(outcome, "Change") == [{"deep": {"x": 2}}]
    assert output_of(outcome, "Other") == [{"deep": {"x": 1}}]
    assert output_of(outcome, "Start") == [{"deep": {"x": 1}}]


def test_pinned_data_stands_in_for_a_node_in_a_manual_run_only(engine):
    code = node("Code", "set", assign(("from", "string", "node")), 3.4)
    document = chain(START, code, pinData={"Code": [{"json": {"from": "pin"}}], "Start": [{"json": {"a": 1}}]})
    assert output_of(engine.run(document), "Code") == [{"from": "pin"}]
    assert output_of(engine.run(document), "Start") == [{"a": 1}]
    assert output_of(engine.run(document, items=[{"json": {"a": 2}}]), "Start") == [{"a": 2}]
    assert output_of(engine.run(document, mode="trigger", items=[{"json": {"a": 3}}]), "Code") == [{"from": "node"}]
    assert engine.run(document).data["resultData"]["pinData"] == document["pinData"]


def test_without_input_a_trigger_puts_out_one_empty_item(engine):
    assert output_of(engine.run(chain(START, node("A", "noOp"))), "A") == [{}]


def test_execute_once_takes_the_first_item_only(engine):
    once = node("Once", "set", assign(("n", "number", "={{ $json.n }}")), 3.4, executeOnce=True)
    assert output_of(engine.run(chain(START, once), items=[{"json": {"n": n}} for n in (1, 2)]), "Once") == [{"n": 1}]


def test_always_output_data_puts_out_an_empty_item_where_there_was_none(engine):
    none = node("None", "filter", condition(1, "number", "equals", 2), 2.2, alwaysOutputData=True)
    outcome = engine.run(chain(START, none, node("After", "noOp")), items=[{"json": {"n": 1}}])
    assert output_of(outcome, "After") == [{}]


def test_a_disabled_node_hands_its_items_on(engine):
    halt = node("Halt", "stopAndError", {"errorMessage": "no"}, disabled=True)
    assert output_of(engine.run(chain(START, halt, node("After", "noOp"))), "After") == [{}]


def test_a_sticky_note_never_runs(engine):
    outcome = engine.run(workflow([START, node("Note", "stickyNote")], ("Start", "Note")))
    assert order(outcome) == ["Start"]


@pytest.mark.parametrize("name", ["Start", None])
def test_what_cannot_run_is_an_error_without_a_single_run(engine, name):
    outcome = engine.run(chain(START, node("X", "setty")), start_node=name)
    assert outcome.status == "error"
    assert outcome.error.node is None
    assert outcome.error.message == (
        "Node 'X': Unrecognized node type: n8n-nodes-base.setty; the nearest known type is n8n-nodes-base.set"
    )
    assert outcome.data["resultData"]["runData"] == {}
    assert outcome.data["resultData"]["error"]["message"] == outcome.error.message


def test_an_unknown_start_node_is_an_error(engine):
    assert engine.run(chain(START), start_node="Nope").error.message == "The start node 'Nope' is not in the workflow."


def test_a_cycle_without_an_end_is_ended(engine, monkeypatch):
    monkeypatch.setattr("app.engine.run.executor.MAX_NODE_RUNS", 100)
    outcome = engine.run(workflow([START, node("Round", "noOp")], ("Start", "Round"), ("Round", "Round")))
    assert outcome.status == "error"
    assert (outcome.error.node, outcome.error.message[:34]) == ("Round", "The workflow was ended after runni")
    assert len(outcome.data["resultData"]["runData"]["Round"]) == 99
