"""Runs that stop half way: canceled, waiting, failed; and how each is taken up again."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.engine.run.document import prepare_retry
from app.engine.run.run import RunRequest, run_workflow
from tests.engine.running import order, output_of
from tests.workflows import START, assign, chain, condition, node, workflow

ITEMS = [{"json": {"id": 1}}]


def stored(outcome):
    """The data as it comes back from where executions are kept."""
    return orjson.loads(orjson.dumps(outcome.data))


def stop_after(engine, document, seconds, **request):
    async def started_and_stopped():
        asked = RunRequest("1", "manual", document, items=ITEMS, **request)
        task = asyncio.create_task(run_workflow(asked, engine.sandbox, engine.types))
        await asyncio.sleep(seconds)
        task.cancel()
        return await task

    return engine.wait_for(started_and_stopped())


def test_a_stop_inside_a_node_keeps_what_ran_before_and_what_was_running(engine):
    document = chain(START, node("Before", "noOp"), node("Wait", "wait", {"amount": 30}, 1.1), node("After", "noOp"))
    outcome = stop_after(engine, document, 0.1)
    assert outcome.status == "canceled"
    assert outcome.error is None
    assert order(outcome) == ["Start", "Before"]
    [due] = outcome.data["executionData"]["nodeExecutionStack"]
    assert due["node"]["name"] == "Wait"
    assert stored(outcome) == outcome.data


def test_a_stop_inside_a_code_node_ends_it(engine):
    code = node("Code", "code", {"jsCode": "await new Promise(() => {}); return []"}, 2)
    outcome = stop_after(engine, chain(START, code), 0.3)
    assert outcome.status == "canceled", "and not in error, at the end of its own time"
    assert output_of(engine.run(chain(START, node("A", "noOp"))), "A") == [{}]


def test_a_retry_of_a_canceled_run_goes_on_at_the_node_that_was_running(engine):
    document = chain(START, node("Before", "noOp"), node("Wait", "wait", {"amount": 30}, 1.1), node("After", "noOp"))
    canceled = stored(stop_after(engine, document, 0.1))
    document["nodes"][2]["parameters"] = {"amount": 0}
    outcome = engine.run(document, mode="retry", resume=prepare_retry(canceled))
    assert outcome.status == "success"
    assert order(outcome) == ["Start", "Before", "Wait", "After"]
    assert "error" not in outcome.data["resultData"]


def stop_in_second_run(engine, document, items, name):
    async def started_and_stopped():
        asked = RunRequest("1", "manual", document, items=items)
        task = asyncio.create_task(run_workflow(asked, engine.sandbox, engine.types))
        runs = 0
        while not task.done() and not (runs == 1 and asked.ports.progress.current == name):
            await asyncio.sleep(0.01)
            told = asked.ports.progress.changes() or {"nodes": []}
            runs = max([runs, *(each["runs"] for each in told["nodes"] if each["node"] == name)])
        task.cancel()
        return await task

    return engine.wait_for(started_and_stopped())


@pytest.mark.parametrize("stopped", [True, False])
def test_a_retry_keeps_the_runs_of_a_loop_that_failed_and_were_gone_on_from(engine, stopped):
    """The node that a stop has interrupted had failed in an earlier turn: that is not the run to begin anew."""
    amount = "={{ $json.n === 1 ? 'odd' : $json.n === 2 ? %s : 0 }}"
    work = node("Work", "wait", {"amount": amount % (30 if stopped else "'odd'")}, 1.1)
    nodes = [START, node("Loop", "splitInBatches", {"batchSize": 1}, 3), work, node("Done", "noOp")]
    lines = [("Start", "Loop"), ("Loop", 0, "Done", 0), ("Loop", 1, "Work", 0), ("Work", 0, "Loop", 0)]
    document = workflow(nodes, *lines)
    if stopped:
        work["onError"] = "continueRegularOutput"
    items = [{"json": {"n": 1 if stopped else 0}}, {"json": {"n": 2}}, {"json": {"n": 3}}]
    ran = stop_in_second_run(engine, document, items, "Work") if stopped else engine.run(document, items=items)
    resume = prepare_retry(stored(ran))
    assert len(resume["resultData"]["runData"]["Work"]) == 1
    work["parameters"] = {"amount": amount % 0}
    resumed, at_once = engine.run(document, mode="retry", resume=resume), engine.run(document, items=items)
    assert order(resumed) == order(at_once)
    assert output_of(resumed, "Done") == output_of(at_once, "Done")


def test_a_run_over_its_time_limit_is_canceled(engine):
    document = chain(START, node("Wait", "wait", {"amount": 30}, 1.1), settings={"executionTimeout": 0.1})
    outcome = engine.run(document)
    assert outcome.status == "canceled"
    assert outcome.data["resultData"]["error"]["message"] == "The execution was cancelled because it timed out"


def test_a_retry_goes_on_at_the_node_that_failed_with_the_data_of_those_before(engine):
    failing = node("Check", "set", assign(("n", "number", "abc")), 3.4)
    document = chain(START, node("Before", "set", assign(("x", "number", 5)), 3.4), failing, node("After", "noOp"))
    failed = stored(engine.run(document, items=ITEMS))
    untouched = orjson.dumps(failed)
    resume = prepare_retry(failed)
    assert orjson.dumps(failed) == untouched
    assert "Check" not in resume["resultData"]["runData"]
    document["nodes"][1] = node("Before", "stopAndError", {"errorMessage": "must not run again"})
    document["nodes"][2]["parameters"] = assign(("n", "number", "={{ $('Before').item.json.x * 2 }}"))
    outcome = engine.run(document, mode="retry", resume=resume)
    assert outcome.status == "success"
    assert order(outcome) == ["Start", "Before", "Check", "After"]
    assert output_of(outcome, "After") == [{"n": 10}]


def test_a_retry_that_fails_can_be_retried(engine):
    document = chain(START, node("Halt", "stopAndError", {"errorMessage": "bad"}))
    first = stored(engine.run(document, items=ITEMS))
    second = stored(engine.run(document, mode="retry", resume=prepare_retry(first)))
    assert len(second["resultData"]["runData"]["Halt"]) == 1
    assert prepare_retry(second)["executionData"]["nodeExecutionStack"] == first["executionData"]["nodeExecutionStack"]


@pytest.mark.parametrize(
    ("asked", "ran"), [("v1", ["Start", "A", "B", "Both", "C"]), ("v0", ["Start", "A", "B", "C", "Both"])]
)
def test_a_retry_keeps_the_branches_that_were_still_due_and_the_inputs_that_had_come(engine, asked, ran):
    nodes = [
        START,
        {**node("A", "noOp"), "position": [0, 1]},
        {**node("B", "stopAndError", {"errorMessage": "bad"}), "position": [0, 2]},
        {**node("C", "noOp"), "position": [0, 3]},
        node("Both", "noOp"),
    ]
    lines = [("Start", "A"), ("Start", "B"), ("Start", "C"), ("A", 0, "Both", 0), ("B", 0, "Both", 1)]
    document = workflow(nodes, *lines, settings={"executionOrder": asked})
    failed = stored(engine.run(document, items=ITEMS))
    document["nodes"][2] = {**node("B", "noOp"), "position": [0, 2]}
    outcome = engine.run(document, mode="retry", resume=prepare_retry(failed))
    assert order(outcome) == ran
    assert output_of(outcome, "Both") == [{"id": 1}]


def test_there_is_nothing_to_retry_from_when_nothing_had_run(engine):
    refused = engine.run(chain(START, node("X", "alien")))
    assert prepare_retry(stored(refused)) is None
    assert prepare_retry({}) is None
    assert prepare_retry(stored(engine.run(chain(START, node("A", "noOp"))))) is None


def test_a_retry_of_a_workflow_that_lost_the_node_ends_without_it(engine):
    failed = stored(engine.run(chain(START, node("Halt", "stopAndError", {"errorMessage": "x"})), items=ITEMS))
    outcome = engine.run(chain(START, node("Other", "noOp")), mode="retry", resume=prepare_retry(failed))
    assert outcome.status == "error"
    assert outcome.error.message == "Node 'Halt', where the run would go on, is not in the workflow any more."


def waiting_workflow(parameters, version=1.1):
    return chain(START, node("Wait", "wait", parameters, version), node("After", "noOp"))


def test_a_long_wait_hands_the_run_back_and_goes_on_later(engine):
    document = waiting_workflow({"amount": 2, "unit": "hours"})
    began = datetime.now(UTC)
    waiting = engine.run(document, items=ITEMS)
    assert waiting.status == "waiting"
    assert began <= waiting.wait_till - timedelta(hours=2) <= datetime.now(UTC)
    assert waiting.data["resultData"]["runData"]["Wait"][0]["executionStatus"] == "waiting"
    outcome = engine.run(document, resume=stored(waiting))
    assert outcome.status == "success"
    assert "waitTill" not in outcome.data
    assert order(outcome) == ["Start", "Wait", "After"]
    assert output_of(outcome, "After") == [{"id": 1}]
    [run] = outcome.data["resultData"]["runData"]["Wait"]
    assert (run["executionStatus"], run["executionIndex"]) == ("success", 1)


def test_what_wakes_a_wait_can_bring_items_along(engine):
    document = waiting_workflow({"amount": 2, "unit": "hours"})
    waiting = stored(engine.run(document, items=ITEMS))
    outcome = engine.run(document, resume=waiting, items=[{"json": {"answer": 42}}])
    assert output_of(outcome, "After") == [{"answer": 42}]


def test_a_canceled_wait_waits_again_when_it_is_retried(engine):
    document = waiting_workflow({"amount": 2, "unit": "hours"})
    waiting = stored(engine.run(document, items=ITEMS))
    again = engine.run(document, mode="retry", resume=prepare_retry(waiting))
    assert again.status == "waiting"
    assert len(again.data["resultData"]["runData"]["Wait"]) == 1


@pytest.mark.parametrize(
    ("parameters", "version", "expected"),
    [
        ({}, 1, timedelta(hours=1)),
        ({"amount": "={{ 3 }}", "unit": "days"}, 1.1, timedelta(days=3)),
        ({"amount": 66}, 1.1, timedelta(seconds=66)),
    ],
)
def test_an_interval_counts_from_now(engine, parameters, version, expected):
    began = datetime.now(UTC)
    outcome = engine.run(waiting_workflow(parameters, version))
    assert began <= outcome.wait_till - expected <= datetime.now(UTC)


def test_a_point_in_time_is_in_the_workflows_time_zone_unless_it_says_otherwise(engine):
    document = waiting_workflow({"resume": "specificTime", "dateTime": "2036-01-01T00:00:00"})
    document["settings"]["timezone"] = "Europe/Berlin"
    assert engine.run(document).wait_till == datetime(2035, 12, 31, 23, tzinfo=UTC)
    document["nodes"][1]["parameters"]["dateTime"] = "2036-01-01T00:00:00Z"
    assert engine.run(document).wait_till == datetime(2036, 1, 1, tzinfo=UTC)
    document["nodes"][1]["parameters"]["dateTime"] = "2020-01-01"
    assert engine.run(document).status == "success"


def test_a_short_wait_takes_its_time(engine):
    started = time.monotonic()
    assert engine.run(waiting_workflow({"amount": 0.2})).status == "success"
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"amount": -1}, "Invalid wait amount. Please enter a number that is 0 or greater."),
        ({"amount": "x"}, "The 'Wait' node has issues:" + "\n- 'amount' expects a number but we got 'x'" * 2),
        ({"amount": "={{ 'x' }}"}, "Invalid input for 'Wait Amount' [item 0]"),
        ({"amount": "={{ null }}"}, "Invalid wait amount. Please enter a number that is 0 or greater."),
        ({"unit": "years"}, "Invalid wait unit. Valid units are 'seconds', 'minutes', 'hours', or 'days'."),
        ({"resume": "specificTime"}, "The 'Wait' node has issues:\n- Parameter \"Date and Time\" is required."),
        (
            {"resume": "specificTime", "dateTime": "={{ null }}"},
            "Cannot put execution to wait because `dateTime` parameter is not a valid date. "
            "Please pick a specific date and time to wait until.",
        ),
        (
            {"resume": "specificTime", "dateTime": "garbage"},
            "Cannot put execution to wait because `dateTime` parameter is not a valid date. "
            "Please pick a specific date and time to wait until.",
        ),
    ],
)
def test_a_wait_that_makes_no_sense_is_an_error(engine, parameters, message):
    assert engine.run(waiting_workflow(parameters)).error.message == message


def test_a_loop_goes_on_counting_runs_after_a_wait(engine):
    count = node(
        "Count", "set", assign(("n", "number", "={{ $json.n + 1 }}"), ("run", "number", "={{ $runIndex }}")), 3.4
    )
    check = node("If", "if", condition("={{ $json.n }}", "number", "gte", 2), 2.2)
    nodes = [START, count, node("Wait", "wait", {"unit": "hours"}, 1.1), check, node("Done", "noOp")]
    lines = [("Start", "Count"), ("Count", "Wait"), ("Wait", "If"), ("If", 0, "Done", 0), ("If", 1, "Count", 0)]
    document = workflow(nodes, *lines)
    outcome = engine.run(document, items=[{"json": {"n": 0}}])
    for _ in range(2):
        assert outcome.status == "waiting"
        outcome = engine.run(document, resume=stored(outcome))
    assert output_of(outcome, "Done") == [{"n": 2, "run": 1}]
    assert [run["executionStatus"] for run in outcome.data["resultData"]["runData"]["Wait"]] == ["success"] * 2
