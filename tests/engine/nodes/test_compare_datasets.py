"""Compare Datasets where no record would do: in n8n, a mix of versions changes the output of the node before."""

import pytest

from tests.engine.running import output_of
from tests.workflows import START, code, node, workflow


@pytest.mark.parametrize(
    ("excepted", "options", "mixed"),
    [
        ("d, f", {}, {"k": 1, "o": {"p": 1}, "d": 2, "f": 3}),
        ("o.p", {}, {"k": 1, "o": {"p": 1}, "d": 1, "o.p": 2}),
        ("o.z, z", {}, {"k": 1, "o": {"p": 1}, "d": 1, "o.z": None, "z": None}),
        ("o.p, d, e", {"disableDotNotation": True}, {"k": 1, "o": {"p": 1}, "d": 2}),
        ("o, e", {"disableDotNotation": True}, {"k": 1, "o": {"p": 2}, "d": 1}),
        ("f, o.z", {"disableDotNotation": True}, {"k": 1, "o": {"p": 1}, "d": 1, "f": 3}),
    ],
)
def test_a_mix_takes_the_fields_of_the_other_item_by_their_paths(engine, excepted, options, mixed):
    by = {"mergeByFields": {"values": [{"field1": "k", "field2": "k"}]}, "options": options}
    mix = {"resolve": "mix", "preferWhenMix": "input1", "exceptWhenMix": excepted}
    nodes = [
        START,
        code("return [{k: 1, o: {p: 1}, d: 1}]", "One"),
        code("return [{k: 1, o: {p: 2}, d: 2, f: 3}]", "Two"),
        node("Compare", "compareDatasets", {**by, **mix}, 2.3),
    ]
    lines = [("Start", "One"), ("Start", "Two"), ("One", "Compare"), ("Two", 0, "Compare", 1)]
    outcome = engine.run(workflow(nodes, *lines))
    assert output_of(outcome, "Compare", output=2) == [mixed]
