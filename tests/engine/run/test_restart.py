"""A run goes on at any node that ran: what came before stays, what comes after runs anew."""

import orjson
import pytest

from app.engine.run.restart import CannotRestart, check_restart, restart_at, restart_at_failure
from tests.engine.run.test_interruptions import ITEMS, stored
from tests.engine.running import order, output_of
from tests.workflows import START, assign, chain, node, workflow


def changed(name, value):
    return node(name, "set", assign(("x", "string", value)), 3.4)


def test_a_success_runs_again_from_a_node_on(engine):
    document = chain(START, changed("A", "a"), changed("B", "={{ $json.x }}b"), changed("C", "={{ $json.x }}c"))
    before = stored(engine.run(document, items=ITEMS))
    untouched = orjson.dumps(before)
    document["nodes"][1] = node("A", "stopAndError", {"errorMessage": "must not run again"})
    document["nodes"][2] = changed("B", "={{ $json.x }}B")
    resume = restart_at(before, "B", 0)
    assert orjson.dumps(before) == untouched
    after = engine.run(document, mode="retry", resume=resume)
    assert order(after) == ["Start", "A", "B", "C"]
    assert output_of(after, "C") == [{"x": "aBc"}]


def test_other_items_take_the_place_of_the_nodes_input(engine):
    document = chain(START, changed("A", "a"), changed("B", "={{ $json.x }}b"))
    before = stored(engine.run(document, items=ITEMS))
    after = engine.run(document, mode="retry", resume=restart_at(before, "B", 0, [{"json": {"x": "z"}}]))
    assert output_of(after, "B") == [{"x": "zb"}]
    failing = chain(START, node("Halt", "stopAndError", {"errorMessage": "={{ $json.x }}"}))
    failed = stored(engine.run(failing, items=ITEMS))
    again = engine.run(failing, mode="retry", resume=restart_at_failure(failed, [{"json": {"x": "other"}}]))
    assert again.error.message == "other"


def given(outcome, name, run=-1):
    """What a run has recorded that it was given in place of what its sources gave, by input; None: nothing."""
    override = outcome.data["resultData"]["runData"][name][run].get("inputOverride")
    return override and [items and [item["json"] for item in items] for items in override["main"]]


def failing_at(*names):
    return [node(name, "stopAndError", {"errorMessage": "={{ $json.x }}"}) for name in names]


def test_what_a_node_was_given_instead_is_recorded_and_given_again_by_later_retries(engine):
    """A run keeps it as n8n does, and so does what is due, until something that gave the node its input runs anew."""
    document = chain(START, changed("A", "a"), changed("B", "={{ $json.x }}b"), *failing_at("Bad"))
    failed = stored(engine.run(document, items=ITEMS))

    def retry(resume):
        outcome = engine.run(document, mode="retry", resume=resume)
        return outcome, stored(outcome)

    first, data = retry(restart_at(failed, "B", 0, [{"json": {"x": "z"}}]))
    assert (given(first, "A"), given(first, "B"), given(first, "Bad")) == (None, [[{"x": "z"}]], None)
    for resume, inputs, message in (
        (restart_at(data, "B", 0), [[{"x": "z"}]], "zb"),
        (restart_at(data, "Bad", 0), [[{"x": "z"}]], "zb"),
        (restart_at_failure(data), [[{"x": "z"}]], "zb"),
        (restart_at(data, "B", 0, [{"json": {"x": "y"}}]), [[{"x": "y"}]], "yb"),
        (restart_at(data, "A", 0), None, "ab"),
    ):
        again, _ = retry(resume)
        assert (given(again, "B"), again.error.message) == (inputs, message)
    second, data = retry(restart_at_failure(data, [{"json": {"x": "once"}}]))
    assert (second.error.message, given(second, "Bad"), given(second, "B")) == (
        "once",
        [[{"x": "once"}]],
        [[{"x": "z"}]],
    )
    for resume in (restart_at_failure(data), restart_at(data, "Bad", 0)):
        third, _ = retry(resume)
        assert (third.error.message, given(third, "Bad")) == ("once", [[{"x": "once"}]])
    assert given(retry(restart_at(data, "B", 0))[0], "Bad") is None


def test_of_several_inputs_and_rounds_only_that_one_is_replaced(engine):
    nodes = [
        START,
        changed("A", "a"),
        changed("B", "b"),
        node("Both", "merge", {"mode": "append"}, 3),
        node("C", "noOp"),
    ]
    lines = [("Start", "A"), ("Start", "B"), ("A", 0, "Both", 0), ("B", 0, "Both", 1), ("Both", "C")]
    document = workflow(nodes, *lines)
    before = stored(engine.run(document, items=ITEMS))
    after = engine.run(document, mode="retry", resume=restart_at(before, "Both", 0, [{"json": {"x": "z"}}]))
    assert given(after, "Both") == [[{"x": "z"}], None]
    assert output_of(after, "C") == [{"x": "z"}, {"x": "b"}]
    again = engine.run(document, mode="retry", resume=restart_at(stored(after), "B", 0))
    assert (given(again, "Both"), output_of(again, "C")) == (None, [{"x": "a"}, {"x": "b"}])

    nodes = [START, node("Loop", "splitInBatches", {"batchSize": 1}, 3), changed("Work", "w")]
    document = workflow(nodes, ("Start", "Loop"), ("Loop", 1, "Work", 0), ("Work", 0, "Loop", 0))
    loop = engine.run(document, items=[{"json": {"x": str(number)}} for number in range(3)])
    failed = stored(loop)
    failed["resultData"]["runData"]["Work"].pop()
    failed["executionData"]["nodeExecutionStack"] = [
        {"node": {"name": "Work"}, "data": {"main": [ITEMS]}, "source": {"main": [{"previousNode": "Loop"}]}}
    ]
    after = engine.run(document, mode="retry", resume=restart_at_failure(failed, [{"json": {"x": "z"}}]))
    assert [given(after, "Work", number) for number in range(3)] == [None, None, [[{"x": "z"}]]]


def test_the_trigger_is_where_a_run_starts_over(engine):
    document = chain(START, changed("A", "a"))
    assert restart_at(stored(engine.run(document, items=ITEMS)), "Start", 0) is None


@pytest.mark.parametrize("first", ["A", "B", "C", "Both", "After"])
def test_branches_that_came_later_run_again_and_inputs_that_had_come_wait(engine, first):
    nodes = [
        START,
        {**changed("A", "a"), "position": [0, 1]},
        {**changed("B", "b"), "position": [0, 2]},
        {**changed("C", "c"), "position": [0, 3]},
        node("Both", "merge", {"mode": "append"}, 3),
        node("After", "noOp"),
    ]
    lines = [
        ("Start", "A"),
        ("Start", "B"),
        ("Start", "C"),
        ("A", 0, "Both", 0),
        ("B", 0, "Both", 1),
        ("Both", "After"),
    ]
    document = workflow(nodes, *lines)
    before = engine.run(document, items=ITEMS)
    after = engine.run(document, mode="retry", resume=restart_at(stored(before), first, 0))
    assert after.status == "success"
    assert order(after) == order(before)
    assert output_of(after, "Both") == output_of(before, "Both")


def test_a_failed_run_goes_on_before_the_failure_with_what_was_still_due(engine):
    nodes = [
        START,
        {**changed("A", "a"), "position": [0, 1]},
        {**node("Bad", "stopAndError", {"errorMessage": "bad"}), "position": [0, 2]},
        {**changed("Late", "late"), "position": [0, 3]},
    ]
    document = workflow(nodes, ("Start", "A"), ("A", "Bad"), ("Start", "Late"))
    failed = stored(engine.run(document, items=ITEMS))
    document["nodes"][2] = {**node("Bad", "noOp"), "position": [0, 2]}
    after = engine.run(document, mode="retry", resume=restart_at(failed, "A", 0))
    assert (after.status, order(after)) == ("success", ["Start", "A", "Bad", "Late"])


def test_a_loop_starts_over_but_not_in_the_middle(engine):
    nodes = [START, node("Loop", "splitInBatches", {"batchSize": 1}, 3), node("Work", "noOp"), node("Done", "noOp")]
    lines = [("Start", "Loop"), ("Loop", 0, "Done", 0), ("Loop", 1, "Work", 0), ("Work", 0, "Loop", 0)]
    document = workflow(nodes, *lines)
    before = engine.run(document, items=[{"json": {"n": number}} for number in range(3)])
    data = stored(before)
    after = engine.run(document, mode="retry", resume=restart_at(data, "Loop", 0))
    assert order(after) == order(before)
    assert output_of(after, "Done") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert order(engine.run(document, mode="retry", resume=restart_at(data, "Done", 0))) == order(before)
    with pytest.raises(CannotRestart, match="loop"):
        restart_at(data, "Work", 1)
    with pytest.raises(CannotRestart, match="loop"):
        check_restart(orjson.dumps(data), "Work", 1)


def without_numbers(data):
    """As older versions of n8n have recorded a run: its nodes, all in one millisecond, are not numbered."""
    bare = orjson.loads(orjson.dumps(data))
    for each in (run for runs in bare["resultData"]["runData"].values() for run in runs):
        del each["executionIndex"]
        each["startTime"] = 7
    return bare


@pytest.mark.parametrize("first", ["Early", "Loop", "Done", "Late"])
def test_runs_that_are_not_numbered_are_told_apart_by_time_and_sources(engine, first):
    nodes = [
        START,
        changed("Early", "e"),
        node("Loop", "splitInBatches", {"batchSize": 1}, 3),
        node("Work", "noOp"),
        node("Done", "noOp"),
        node("Late", "noOp"),
    ]
    lines = [
        ("Start", "Early"),
        ("Early", "Loop"),
        ("Loop", 0, "Done", 0),
        ("Loop", 1, "Work", 0),
        ("Work", 0, "Loop", 0),
        ("Done", "Late"),
    ]
    document = workflow(nodes, *lines)
    before = engine.run(document, items=[{"json": {"n": number}} for number in range(3)])
    data = without_numbers(stored(before))
    assert check_restart(orjson.dumps(data), first, 0) == (first == "Start")
    after = engine.run(document, mode="retry", resume=restart_at(data, first, 0))
    assert {name: len(runs) for name, runs in after.document.run_data.items()} == {
        name: len(runs) for name, runs in before.document.run_data.items()
    }
    assert output_of(after, "Late") == output_of(before, "Late")
    for work in (restart_at, lambda data, *place: check_restart(orjson.dumps(data), *place)):
        with pytest.raises(CannotRestart, match="loop"):
            work(data, "Work", 1)


@pytest.mark.parametrize(
    "sources",
    [
        [{"previousNode": "Gone"}],
        [{"previousNode": "A", "previousNodeRun": 9}],
        [{"previousNode": "C"}],
        [{}],
        [],
        None,
    ],
)
def test_a_node_of_which_nobody_knows_what_came_in_is_refused(engine, sources):
    data = stored(engine.run(chain(START, changed("A", "a"), changed("B", "b"), changed("C", "c")), items=ITEMS))
    for bare in (data, without_numbers(data)):
        bare["resultData"]["runData"]["B"][0]["source"] = sources
        with pytest.raises(CannotRestart, match="what came in at 'B'"):
            restart_at(bare, "B", 0, [{"json": {}}])
        with pytest.raises(CannotRestart, match="what came in at 'B'"):
            check_restart(orjson.dumps(bare), "B", 0)


@pytest.mark.parametrize(("name", "run"), [("Nowhere", 0), ("A", 1), ("A", 10**9)])
def test_what_never_ran_is_refused(engine, name, run):
    data = stored(engine.run(chain(START, changed("A", "a")), items=ITEMS))
    with pytest.raises(CannotRestart):
        restart_at(data, name, run)
    with pytest.raises(CannotRestart):
        check_restart(orjson.dumps(data), name, run)
    for empty in (None, {}, {"contextData": None}):
        check_restart(orjson.dumps({**data, "executionData": empty}), "A", 0)
        assert restart_at({**data, "executionData": empty}, "A", 0) is not None
    for nothing in (None, b"{}", b"not JSON", b'{"resultData": []}'):
        with pytest.raises(CannotRestart):
            check_restart(nothing, "A", 0)


def test_a_run_with_sub_nodes_goes_on_at_the_node_that_used_them() -> None:
    used = {"executionIndex": 1, "source": [{"previousNode": "Agent"}], "inputOverride": {"ai_tool": [[{"json": {}}]]}}
    data = orjson.dumps({"resultData": {"runData": {"Agent": [{"executionIndex": 0}], "Tool": [used]}}})
    check_restart(data, "Agent", 0)
    with pytest.raises(CannotRestart, match="'Tool' only runs for 'Agent': start there instead"):
        check_restart(data, "Tool", 0)
