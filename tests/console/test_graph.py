"""How a graph is drawn: what each node and edge says of the run, and that nothing in a workflow can break it."""

import pytest

from app.console.graph import draw
from app.console.graph_nodes import STICKY, icon_of, label
from tests.workflows import START, attach, node, workflow


def run(items=(1,), error=None, took=5):
    outputs = [None if each is None else {"items": each, "sizeBytes": 2, "digest": ""} for each in items]
    failure = error and {"message": error, "name": "Error", "description": None, "node": None}
    return {"executionTime": took, "executionStatus": "success", "outputs": {"main": outputs}, "error": failure}


def structure(**runs):
    nodes = [{"name": name, "runCount": len(each), "runs": each} for name, each in runs.items()]
    return {"nodes": nodes, "lastNodeExecuted": next(reversed(runs), None)}


LOOP = workflow(
    [START, node("Loop", "splitInBatches", position=[200, 0]), node("Work", "noOp", position=[400, 0])],
    ("Start", "Loop"),
    ("Loop", 1, "Work"),
    ("Work", "Loop"),
)


def test_edges_tell_items_and_rounds():
    rounds = [run([None, 2]), run([0, 2]), run([4, 0])]
    graph = draw(LOOP, structure(Start=[run([4])], Loop=rounds, Work=[run([2]), run([2], error="It broke")]))
    told = {(edge.items, edge.rounds) for edge in graph.edges}
    assert told == {(4, 1), (4, 2)}
    assert [edge.source for edge in graph.edges] == ["Start", "Loop", "Work"]
    assert (graph.nodes["Loop"].runs, graph.nodes["Loop"].status) == (3, "success")
    assert (graph.nodes["Work"].status, graph.nodes["Work"].message) == ("error", "It broke")


@pytest.mark.parametrize(("y", "aside"), [(0, 0), (150, 16), (-150, -16)])
def test_a_label_with_rounds_leaves_the_names_of_nodes_free(y, aside):
    work = node("Work", "noOp", position=[400, y])
    lower = {**LOOP, "nodes": [*LOOP["nodes"][:2], work]}
    shown = structure(Start=[run([4])], Loop=[run([None, 1]), run([None, 1])], Work=[run(), run()])
    labels = {edge.source: edge.label_x for edge in draw(lower, shown).edges}
    assert labels["Loop"] - 348 == aside
    assert labels["Start"] == 148


def test_of_more_runs_than_are_known_the_last_tells_how_a_node_went_and_counts_are_at_least():
    cut = structure(Start=[run([4])], Loop=[run([None, 2])], Work=[run([2])])
    cut["nodes"][2] |= {"runCount": 9_000, "lastRun": run([], error="It broke")}
    graph = draw(LOOP, cut)
    assert (graph.nodes["Work"].status, graph.nodes["Work"].message) == ("error", "It broke")
    assert [(edge.items, edge.is_cut) for edge in graph.edges] == [(4, False), (2, False), (2, True)]


def test_what_has_not_run_says_so_and_what_waits_waits():
    graph = draw(LOOP, structure(Start=[run()]), waiting=True)
    assert graph.nodes["Start"].status == "waiting"
    assert graph.nodes["Work"].status is None
    assert {edge.items for edge in graph.edges if edge.items is not None} == {1}


def test_sub_nodes_hang_below_and_notes_lie_behind():
    nodes = [node("Agent", "noOp"), node("Model", "noOp", position=[0, 200])]
    note = {"name": "Note", "type": STICKY, "position": [0, 0], "parameters": {"content": "one two", "width": 300}}
    graph = draw(attach(workflow([*nodes, note]), ("Model", "ai_languageModel", "Agent")))
    assert graph.nodes["Model"].size < graph.nodes["Agent"].size
    assert [(edge.kind, edge.source) for edge in graph.edges] == [("ai_languageModel", "Model")]
    assert [(each.width, each.lines) for each in graph.notes] == [(300, ["one two"])]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"nodes": None, "connections": []},
        {"nodes": ["x", {"name": None, "position": "there", "type": 7}], "connections": {"None": {"main": 3}}},
        {"nodes": [{"name": "A", "position": [10**30, float("-inf")]}], "connections": {"A": {"main": [None, ["x"]]}}},
        {"nodes": [{"name": "A"}], "connections": {"A": {"main": [[{"node": ["A"], "index": "x"}]]}}},
        {"nodes": [{"name": "N", "type": STICKY, "parameters": {"width": "wide", "content": None}}]},
    ],
)
def test_whatever_is_stored_can_be_drawn(broken):
    graph = draw(broken)
    assert all(abs(each) <= 10**6 for each in graph.box)


def test_labels_are_cut_and_types_have_icons():
    assert label("Ask the manager for a signature and wait") == ["Ask the manager for a", "signature and wait"]
    assert label("x" * 100) == ["x" * 20, "x" * 21 + "…"]
    assert label("x" * 22) == ["x" * 22]
    assert label("x" * 22 + " y") == ["x" * 22, "y"]
    assert label("客" * 16) == ["客" * 10, "客" * 6]
    assert label("W" * 40) == ["W" * 11, "W" * 11 + "…"]
    assert label("e\u0301" * 20) == ["e\u0301" * 20]
    assert label("Ж" * 24) == ["Ж" * 10, "Ж" * 10 + "…"]
    assert label("") == label(" ") == []
    assert icon_of("n8n-nodes-base.webhook") == "webhook"
    assert icon_of("n8n-nodes-base.noOp") == "node"
    assert icon_of("n8n-nodes-other.thing") == "package"


def test_of_too_many_nodes_those_around_the_one_that_matters_are_drawn(monkeypatch):
    monkeypatch.setattr("app.console.graph.MAX_NODES", 3)
    many = workflow([node(f"N{n}", "noOp", position=[n * 100, 0]) for n in range(9)])
    ran = structure(N0=[run()], N7=[run([], error="It broke")])
    graph = draw(many, ran)
    assert (sorted(graph.nodes), graph.left_out) == (["N6", "N7", "N8"], 6)
    assert sorted(draw(many, ran, looked_at="N2").nodes) == ["N1", "N2", "N3"]
    assert sorted(draw(many, ran, looked_at="gone").nodes) == ["N6", "N7", "N8"]
    assert sorted(draw(many).nodes) == ["N0", "N1", "N2"]
    assert draw(LOOP).left_out == 0


def test_nodes_without_places_are_laid_out_from_left_to_right():
    names = ("Start", "Left", "Right", "End", "Alone")
    leads = {"Start": ["Left", "Right"], "Left": ["End"], "Right": ["End"], "End": ["Start"], "gone": ["End"]}
    lines = [(name, to) for name, found in leads.items() for to in found]
    graph = draw(workflow([node(name, "noOp", position=None) for name in names], *lines))
    places = {name: (node.x, node.y) for name, node in graph.nodes.items()}
    assert len(set(places.values())) == len(names)
    assert places["Start"][0] < places["Left"][0] == places["Right"][0] < places["End"][0]
    assert graph.nodes["Start"].leads_to == ["Left", "Right"]
