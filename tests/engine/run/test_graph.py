"""What a graph says of the ways through it, on graphs of any shape."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.nodes import load
from app.engine.run.checks import check_runnable
from app.engine.run.graph import Graph, InvalidWorkflow, Node
from app.engine.run.parsing import parse_workflow
from tests.workflows import no_op, node, workflow

TYPES = load()
NAMES = [f"N{number}" for number in range(7)]
LINES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=14)


def graph_of(lines: list[tuple[str, str]]) -> Graph:
    return parse_workflow(workflow([no_op(name) for name in NAMES], *lines), TYPES)


@given(LINES, st.lists(st.sampled_from(NAMES), unique=True))
def test_the_first_among_some_come_after_no_other(lines: list[tuple[str, str]], names: list[str]) -> None:
    graph = graph_of(lines)
    after = {name: {other for other in names if graph.output_towards(other, name) is not None} for name in names}
    assert graph.first_among(names) == [name for name in names if after[name] <= {name}]


def test_each_node_is_looked_at_a_few_times_however_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"N{number}" for number in range(300)]
    graph = parse_workflow(workflow([no_op(name) for name in names], *itertools.pairwise(names)), TYPES)
    looked_at: list[str] = []
    targets = Node.targets
    monkeypatch.setattr(Node, "targets", lambda node: looked_at.append(node.name) or targets(node))
    assert graph.first_among(names[::-1]) == ["N0"]
    assert len(looked_at) <= 3 * len(names)


@given(LINES)
def test_ancestors_are_those_with_a_way(lines: list[tuple[str, str]]) -> None:
    graph = graph_of(lines)
    for name in NAMES:
        assert graph.ancestors(name) == {each for each in NAMES if graph.output_towards(each, name) is not None}


def test_an_old_order_with_too_much_to_look_at_is_refused() -> None:
    merges = [node(f"M{number}", "merge", {}, 3) for number in range(400)]
    lines = [("Start", 0, merge["name"], index) for merge in merges for index in (0, 1)]
    document = workflow([node("Start", "manualTrigger"), *merges], *lines)
    check_runnable(parse_workflow(document, TYPES))
    with pytest.raises(InvalidWorkflow, match="set executionOrder to 'v1'"):
        check_runnable(parse_workflow({**document, "settings": {}}, TYPES))
