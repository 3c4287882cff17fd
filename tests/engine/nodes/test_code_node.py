"""What a Code node's program gives to the run beside its items, and what ends it."""

import pytest

from app.engine.run.ports import Ports
from tests.engine.running import output_of
from tests.engine.static_data import ContestedStaticData
from tests.workflows import START, assign, chain, node

ITEMS = [{"json": {"id": 1}}, {"json": {"id": 2}}]


def code(source, **parameters):
    return node("Code", "code", {"jsCode": source, **parameters}, 2)


def test_custom_data_is_an_outcome_and_stays_over_the_nodes(engine):
    later = node("Set", "set", assign(("seen", "string", "={{ $execution.customData.get('order') }}")), 3.4)
    outcome = engine.run(chain(START, code("$execution.customData.set('order', '42'); return items;"), later))
    assert outcome.custom_data == {"order": "42"}
    assert outcome.data["resultData"]["metadata"] == {"order": "42"}
    assert output_of(outcome, "Set") == [{"seen": "42"}]


def test_custom_data_that_was_set_before_a_failure_is_kept(engine):
    outcome = engine.run(chain(START, code("$execution.customData.set('order', '42'); throw new Error('no');")))
    assert (outcome.status, outcome.custom_data) == ("error", {"order": "42"})


def test_what_the_program_wrote_to_its_console_stands_in_the_run(engine):
    outcome = engine.run(chain(START, code("console.log('hello', { a: 1 }); return items;")))
    assert "hello" in outcome.data["resultData"]["runData"]["Code"][0]["metadata"]["console"][0]


def test_an_error_names_its_line_and_no_node_but_the_outcome_does(engine):
    outcome = engine.run(chain(START, code("const a = 1;\nthrow new Error('no good');")), items=ITEMS)
    error = outcome.data["resultData"]["error"]
    assert (error["message"], error["lineNumber"], error["name"]) == ("no good [line 2]", 2, "WrappedExecutionError")
    assert "node" not in error
    assert (outcome.error.node, outcome.error.message) == ("Code", "no good [line 2]")


def test_each_item_runs_by_itself_and_one_that_fails_does_not_stop_the_others(engine):
    source = "if ($json.id === 1) throw new Error('one'); return { json: { twice: $json.id * 2 } };"
    each = {**code(source, mode="runOnceForEachItem"), "onError": "continueRegularOutput"}
    outcome = engine.run(chain(START, each), items=ITEMS)
    assert output_of(outcome, "Code") == [{"error": "one [line 1]"}, {"twice": 4}]


@pytest.mark.parametrize("language", ["python", "pythonNative"])
def test_python_is_refused(engine, language):
    outcome = engine.run(chain(START, code("", language=language)))
    assert outcome.error.message == "The Code node runs JavaScript only; Python is not supported."


COUNT = "const kept = $getWorkflowStaticData('global'); kept.count += 1; return [{json: kept}]"


def test_a_program_that_others_were_quicker_than_runs_again(engine):
    store = ContestedStaticData(others=3)
    outcome = engine.run(chain(START, code(COUNT)), ports=Ports(static_data=store))
    assert output_of(outcome, "Code") == [{"count": 14}]
    assert store.kept == {"global": b'{"count":14}'}
    assert outcome.static_data == {}


def test_one_that_others_are_always_quicker_than_fails(engine):
    store = ContestedStaticData(others=1_000)
    outcome = engine.run(chain(START, code(COUNT)), ports=Ports(static_data=store))
    assert "change the workflow's static data all the time" in outcome.error.message


def test_a_program_that_only_reads_is_never_in_the_way(engine):
    store = ContestedStaticData(others=1_000)
    outcome = engine.run(
        chain(START, code("return [{json: $getWorkflowStaticData('global')}]")), ports=Ports(static_data=store)
    )
    assert output_of(outcome, "Code") == [{"count": 10}]


@pytest.mark.parametrize(
    ("end", "more", "kept"),
    [
        ("throw new Error('no');", {}, 10),
        ("throw new Error('no');", {"onError": "continueRegularOutput"}, 12),
        ("return 5;", {}, 12),
    ],
    ids=["throws", "throws-and-goes-on", "returns-no-items"],
)
def test_what_a_failed_program_has_changed_is_kept_where_it_ended_or_its_node_goes_on(engine, end, more, kept):
    store = ContestedStaticData(others=1)
    program = node("Code", "code", {"jsCode": f"$getWorkflowStaticData('global').count += 1; {end}"}, 2, **more)
    engine.run(chain(START, program), ports=Ports(static_data=store))
    store.others = 0
    engine.run(chain(START, code("return [{json: $getWorkflowStaticData('global')}]")), ports=Ports(static_data=store))
    assert store.kept == {"global": b'{"count":%d}' % kept}


@pytest.mark.parametrize("named", ["$input.all()", "$items()", "typeof $json", "$('Start').item"])
def test_a_program_for_all_items_that_names_them_has_the_files_of_the_first(engine, named):
    items = [{"json": {}, "binary": {"f": {"data": "aGk=", "mimeType": "text/plain"}}}, {"json": {}}]
    program = code(f"{named}; $binary.g = $binary.f; return {{ files: Object.keys($binary) }};")
    assert output_of(engine.run(chain(START, program), items=items), "Code") == [{"files": ["f", "g"]}]


def test_what_such_a_program_makes_of_those_files_changes_no_item(engine):
    items = [{"json": {}, "binary": {"f": {"data": "aGk=", "mimeType": "text/plain"}}}]
    program = code("$binary.f.mimeType = 'x'; return { type: $input.first().binary.f.mimeType };")
    assert output_of(engine.run(chain(START, program), items=items), "Code") == [{"type": "text/plain"}]
