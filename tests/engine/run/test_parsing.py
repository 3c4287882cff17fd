"""Which workflow documents are accepted, and what the refusal says."""

from dataclasses import replace

import pytest

from app.engine import nodes
from app.engine.run.checks import check_parameters, check_runnable
from app.engine.run.graph import Graph, InvalidWorkflow, WorkflowHasIssues
from app.engine.run.node_types import NodeType, NodeTypes
from app.engine.run.parsed_workflow import ParsedWorkflow
from app.engine.run.parsing import parse_workflow as parse_for
from tests.workflows import START, chain, node, workflow


def parse_workflow(document) -> Graph:
    return parse_for(document, nodes.load())


def test_nodes_and_connections_are_read():
    graph = parse_workflow(workflow([START, node("A", "noOp"), node("B", "noOp")], ("Start", "A"), ("A", 0, "B", 1)))
    assert [connection.node for connection in graph.nodes["Start"].outputs[0]] == ["A"]
    assert (graph.nodes["A"].input_count, graph.nodes["B"].input_count) == (1, 2)
    assert graph.start_node(None).name == "Start"


@pytest.mark.parametrize(
    ("settings", "tries", "seconds"),
    [
        ({}, 3, 1.0),
        ({"maxTries": 0, "waitBetweenTries": 0}, 3, 1.0),
        ({"maxTries": None, "waitBetweenTries": None}, 3, 1.0),
        ({"maxTries": "4", "waitBetweenTries": "300"}, 4, 0.3),
        ({"maxTries": "many", "waitBetweenTries": "long"}, 3, 1.0),
        ({"maxTries": -1, "waitBetweenTries": -5}, 2, 0.0),
        ({"maxTries": 9, "waitBetweenTries": 60_000}, 5, 5.0),
        ({"retryOnFail": "true"}, 1, 1.0),
    ],
)
def test_settings_of_retries_keep_to_their_bounds(settings, tries, seconds):
    graph = parse_workflow(workflow([START, node("A", "noOp", **{"retryOnFail": True, **settings})], ("Start", "A")))
    assert (graph.nodes["A"].tries, graph.nodes["A"].retry_seconds) == (tries, seconds)


def test_a_workflow_starts_at_the_manual_trigger_even_when_another_trigger_stands_first():
    other = node("Hook", "webhook")
    assert parse_workflow(workflow([other, START])).start_node(None).name == "Start"
    assert parse_workflow(workflow([other, START])).start_node("Hook").name == "Hook"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "A workflow needs a list of nodes."),
        ({"nodes": {}}, "A workflow needs a list of nodes."),
        ({"nodes": ["x"]}, "Node 0 is not an object."),
        ({"nodes": [{"type": "x"}]}, "Node 0 has no name."),
        ({"nodes": [{"name": "A"}]}, "Node 'A' has no type."),
        (
            workflow([START, node("A", "noOp"), node("A", "noOp")]),
            "There are two nodes named 'A'; names must be unique.",
        ),
        (workflow([START], ("Start", "Gone")), "Node 'Start' is connected to 'Gone', which is not in the workflow."),
        (workflow([START], ("Gone", "Start")), "A connection starts at node 'Gone', which is not in the workflow."),
        (workflow([node("A", "noOp")]), None),
        (workflow([]), None),
        (workflow([{**START, "typeVersion": "1"}]), "Node 'Start': typeVersion must be a number."),
        (workflow([{**START, "parameters": []}, {}]), "Node 1 has no name."),
        (workflow([{**START, "parameters": "x"}]), "Node 'Start': parameters must be an object."),
        (workflow([{**START, "onError": "explode"}]), None),
        (workflow([START], ("Start", 0, "Start", 5000)), None),
        (workflow([START], ("Start", 0, "Start", -1)), "Node 'Start' is connected to input -1 of 'Start'."),
        ({"nodes": [START], "connections": []}, None),
        ({"nodes": [START], "connections": [1]}, "The workflow's connections must be an object."),
        ({"nodes": [START], "connections": {"Start": [1]}}, "The connections of node 'Start' are malformed."),
        ({"nodes": [START], "connections": {"Start": {"main": [1]}}}, "The connections of node 'Start' are malformed."),
        (
            {"nodes": [START], "connections": {"Start": {"main": [["x"]]}}},
            "Node 'Start' is connected to 'None', which is not in the workflow.",
        ),
        ({"nodes": [START], "pinData": {"Start": 5}}, "pinData of node 'Start' must be a list of items."),
        ({"nodes": [START], "settings": []}, None),
        ({"nodes": [START], "settings": 5}, "The workflow's settings and pinData must be objects."),
    ],
)
def test_what_is_no_sound_workflow_is_refused_with_the_reason(document, message):
    if message is None:
        parse_workflow(document)
        return
    with pytest.raises(InvalidWorkflow) as refusal:
        parse_workflow(document)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("kind", "version", "message"),
    [
        (
            "n8n-nodes-base.noOpp",
            1,
            "Node 'X': Unrecognized node type: n8n-nodes-base.noOpp; the nearest known type is n8n-nodes-base.noOp",
        ),
        ("acme.zzzzzzzzzz", 1, "Node 'X': Unrecognized node type: acme.zzzzzzzzzz"),
        ("acme.agent", 1, "Node 'X': Unrecognized node type: acme.agent"),
        (
            "acme.httpRequests",
            1,
            "Node 'X': Unrecognized node type: acme.httpRequests; the nearest known type is n8n-nodes-base.httpRequest",
        ),
        ("n8n-nodes-base.code", 9, "Node 'X': Node type n8n-nodes-base.code has no version 9; known versions: 1, 2"),
    ],
)
def test_an_unknown_type_can_be_kept_but_not_run(kind, version, message):
    graph = parse_workflow(chain(START, node("X", kind, version=version)))
    with pytest.raises(InvalidWorkflow) as refusal:
        check_runnable(graph)
    assert str(refusal.value) == message


def test_an_unknown_type_is_refused_even_where_the_run_does_not_come_to_it():
    with pytest.raises(InvalidWorkflow):
        check_runnable(parse_workflow(workflow([START, node("X", "alien", disabled=True)])))


def test_a_node_that_lacks_a_parameter_is_refused_where_the_run_comes_to_it():
    empty = node("X", "stopAndError")
    with pytest.raises(WorkflowHasIssues) as refusal:
        check_parameters(parse_workflow(chain(START, empty)), "Start")
    assert str(refusal.value) == "The 'X' node has issues:\n- Parameter \"Error Message\" is required."
    check_parameters(parse_workflow(workflow([START, empty])), "Start")
    check_parameters(parse_workflow(chain(START, empty)), "Start", pinned={"X"})
    check_parameters(parse_workflow(chain(START, {**empty, "disabled": True})), "Start")


def test_runs_that_share_a_graph_have_it_checked_once():
    asked: list[str] = []
    types = nodes.load()
    graph = parse_for(chain(START, node("X", "stopAndError", {"errorMessage": "no"})), types)
    kind = graph.nodes["X"].kind
    graph.nodes["X"].kind = replace(kind, issues=lambda *_: asked.append("issues") or [])
    for _ in range(3):
        check_runnable(graph)
        check_parameters(graph, "Start")
    assert asked == ["issues"]
    check_parameters(graph, "X")
    check_parameters(graph, "Start", pinned={"Start"})
    assert len(asked) == 3, "what a run from elsewhere comes to, and what pins leave of it, are other questions"
    graph.nodes["X"].kind = replace(kind, installed=False)
    check_runnable(graph)
    refused = parse_for(chain(START, node("X", "stopAndError")), types)
    for _ in range(2):
        with pytest.raises(WorkflowHasIssues):
            check_parameters(refused, "Start")


def test_what_can_be_kept_but_not_run_is_refused_when_it_is_to_run():
    nowhere = parse_workflow(workflow([node("A", "noOp")]))
    with pytest.raises(InvalidWorkflow, match="no trigger node to start at"):
        nowhere.start_node(None)
    far = parse_workflow(workflow([START, node("A", "noOp")], ("Start", 0, "A", 5000)))
    with pytest.raises(InvalidWorkflow, match="Node 'A': a connection leads to input 5000; a node has at most 100"):
        check_runnable(far)


def test_the_registry_lists_types_with_their_versions():
    types = nodes.load().versions()
    assert types["n8n-nodes-base.set"][-5:] == (3.1, 3.2, 3.3, 3.4, 3.5)
    assert types["n8n-nodes-base.manualTrigger"] == (1,)


def test_a_workflow_that_runs_again_is_read_again_only_for_other_node_types_or_another_timezone():
    types = nodes.load().copy()
    parsed = ParsedWorkflow(workflow([START, node("Sent", "n8n-nodes-more.sent")]))
    graph = parsed.graph(types, "UTC")
    assert parsed.graph(types, "UTC") is graph
    assert not graph.nodes["Sent"].kind.installed
    assert parsed.graph(types, "Asia/Tokyo").timezone == "Asia/Tokyo"
    types.further = NodeTypes()
    types.further.add(NodeType("n8n-nodes-more.sent", (1,), nodes.load().find("n8n-nodes-base.noOp", 1).run))
    assert parsed.graph(types, "Asia/Tokyo").nodes["Sent"].kind.installed
