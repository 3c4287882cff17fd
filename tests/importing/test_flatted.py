"""Run data as n8n stores it, whose texts may share much and refer to each other without end."""

import json
import time

import pytest

from app.importing.n8n.flatted import UnreadableFlatted, unflatten


def test_a_small_text_that_shares_much_does_not_fill_the_memory():
    long, many = "x" * 1_000_000, json.dumps(["1"] * 10_000)
    started = time.process_time()
    with pytest.raises(UnreadableFlatted, match="written out"):
        unflatten(f'[{many},"{long}"]', most_size=256 * 2**20)
    doubling = [[str(level + 1)] * 2 for level in range(60)]
    with pytest.raises(UnreadableFlatted, match="written out"):
        unflatten(json.dumps([*doubling, "end"]), most_size=256 * 2**20)
    assert time.process_time() - started < 10
    assert unflatten('[["1","1"],"ab"]', most_size=100) == ["ab", "ab"]


def nested(forwards: int, backwards: int) -> list[list[str]]:
    """The root, so many levels that follow it in their order, and so many that stand before those."""
    chain = [[str(index + 1)] for index in range(1, backwards)] + [[]]
    return [[str(backwards + 1)], *chain, *([str(backwards + 2 + n)] for n in range(forwards - 1)), ["1"]]


@pytest.mark.parametrize(
    ("flat", "document"),
    [
        ([{"a": "2", "b": "1"}, {"of": "2"}, {"x": 1}], {"a": {"x": 1}, "b": {"of": {"x": 1}}}),
        ([{"a": "2", "b": "3"}, ["end"], ["3"], ["4"], {"x": None}], {"a": [[{"x": None}]], "b": [{"x": None}]}),
        ([["2"], ["3"], ["1"], "é"], [[["é"]]]),
        ([{"a": "1"}, {"b": "0", "c": "2"}, "z"], {"a": {"b": "[Circular Reference]", "c": "z"}}),
        ([["1", "2"], ["2"], ["1"]], [[["[Circular Reference]"]], ["[Circular Reference]"]]),
        ([["1"], True, ["9"], ["x"]], [True]),
        ([["2"], ["9"], ["1"]], None),
        ([["-1"], "a"], None),
        ([*([str(index + 1)] for index in range(199)), []], ...),
        ([*([str(index + 1)] for index in range(200)), []], None),
        (nested(99, 100), ...),
        (nested(100, 100), None),
    ],
)
def test_references_lead_forwards_backwards_and_nowhere(flat, document):
    if document is None:
        with pytest.raises(UnreadableFlatted):
            unflatten(json.dumps(flat), most_size=10_000)
    else:
        read = unflatten(json.dumps(flat), most_size=10_000)
        assert document is ... or read == document


def test_data_that_was_never_made_flat_is_what_it_is():
    assert unflatten('{"resultData":{"runData":{"0":[1]}}}', most_size=100) == {"resultData": {"runData": {"0": [1]}}}
