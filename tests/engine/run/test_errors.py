"""What becomes of a run when a node fails, by the node's settings."""

import json
import time

import pytest

from app.engine.run import attempts
from app.engine.run.attempts import run_node
from app.engine.run.errors import NodeError
from app.engine.run.ports import ChildOutcome, Ports
from app.engine.run.restart import prepare_retry
from tests.engine.running import order, output_of
from tests.workflows import START, assign, chain, node, workflow

TWO = [{"json": {"id": 1}}, {"json": {"id": 2}}]
SECOND_FAILS = assign(("n", "number", "={{ $json.id === 2 ? 'x' : 1 }}"))
SECOND_MESSAGE = "'n' expects a number but we got 'x' [item 1]"


def test_an_error_ends_the_run_and_leaves_the_node_on_the_stack(engine):
    halt = node("Halt", "stopAndError", {"errorMessage": "bad {{ $json.id }}"})
    outcome = engine.run(chain(START, halt, node("After", "noOp")), items=TWO)
    assert (outcome.status, outcome.error.node, outcome.error.message) == ("error", "Halt", "bad {{ $json.id }}")
    result, rest = outcome.data["resultData"], outcome.data["executionData"]
    run = result["runData"]["Halt"][0]
    assert run["executionStatus"] == "error"
    assert "data" not in run
    assert run["error"] == result["error"]
    assert result["error"]["name"] == "NodeOperationError"
    assert result["error"]["node"]["name"] == "Halt"
    assert result["lastNodeExecuted"] == "Halt"
    [due] = rest["nodeExecutionStack"]
    assert due["node"]["name"] == "Halt"
    assert [item["json"] for item in due["data"]["main"][0]] == [{"id": 1}, {"id": 2}]
    assert due["source"] == {"main": run["source"]}


@pytest.mark.parametrize(
    ("failing", "name"),
    [
        (node("Fails", "set", assign(("n", "string", "={{ $('Nope').first().json.n }}")), 3.4), "NodeOperationError"),
        (node("Fails", "limit", {"maxItems": "={{ $('Nope').first().json.n }}"}), "ExpressionError"),
    ],
)
def test_an_expression_that_fails_is_an_error_of_the_node_where_it_wraps_such(engine, failing, name):
    outcome = engine.run(chain(START, failing), items=TWO)
    error = outcome.data["resultData"]["error"]
    assert (error["name"], error["message"]) == (name, "Referenced node doesn't exist")


def test_an_error_of_no_class_of_nodes_has_its_message_and_nothing_of_a_node(engine):
    compare = node("Compare", "compareDatasets", {"mergeByFields": {"values": [{"field1": "id"}]}}, 2.3)
    error = engine.run(chain(START, compare), items=TWO).data["resultData"]["error"]
    assert (set(error), error["level"]) == ({"level", "tags", "message", "stack"}, "warning")


def test_what_had_arrived_at_a_waiting_node_is_kept_when_another_fails(engine):
    nodes = [
        START,
        {**node("A", "noOp"), "position": [0, 1]},
        {**node("B", "stopAndError", {"errorMessage": "bad"}), "position": [0, 2]},
        node("Both", "noOp"),
    ]
    outcome = engine.run(workflow(nodes, ("Start", "A"), ("Start", "B"), ("A", 0, "Both", 0), ("B", 0, "Both", 1)))
    waiting = outcome.data["executionData"]["waitingExecution"]["Both"]["0"]["main"]
    assert [entry and entry[0]["json"] for entry in waiting] == [{}, None]
    sources = outcome.data["executionData"]["waitingExecutionSource"]["Both"]["0"]["main"]
    assert [entry and entry["previousNode"] for entry in sources] == ["A", None]


def test_continuing_with_regular_output_hands_the_input_on(engine):
    halt = node("Halt", "stopAndError", {"errorMessage": "soft"}, onError="continueRegularOutput")
    outcome = engine.run(chain(START, halt, node("After", "noOp")), items=TWO)
    assert outcome.status == "success"
    assert output_of(outcome, "After") == [{"id": 1}, {"id": 2}]
    run = outcome.data["resultData"]["runData"]["Halt"][0]
    assert (run["executionStatus"], run["error"]["message"]) == ("error", "soft")


@pytest.mark.parametrize("setting", [{"onError": "continueRegularOutput"}, {"continueOnFail": True}])
def test_an_item_that_fails_is_put_out_as_an_error_between_the_others(engine, setting):
    outcome = engine.run(chain(START, node("Set", "set", SECOND_FAILS, 3.4, **setting)), items=TWO)
    assert output_of(outcome, "Set") == [{"n": 1}, {"error": SECOND_MESSAGE}]


def test_an_item_that_fails_leaves_by_the_error_output_with_its_input(engine):
    nodes = [
        START,
        node("Set", "set", SECOND_FAILS, 3.4, onError="continueErrorOutput"),
        {**node("Fine", "noOp"), "position": [0, 1]},
        {**node("Failed", "noOp"), "position": [0, 2]},
    ]
    outcome = engine.run(workflow(nodes, ("Start", "Set"), ("Set", 0, "Fine", 0), ("Set", 1, "Failed", 0)), items=TWO)
    assert order(outcome) == ["Start", "Set", "Fine", "Failed"]
    assert output_of(outcome, "Fine") == [{"n": 1}]
    assert output_of(outcome, "Failed") == [{"id": 2, "error": SECOND_MESSAGE}]


def test_an_expression_that_is_none_fails_its_items_only_when_the_run_goes_on(engine):
    broken = assign(("n", "number", "={{ $json. }}"))
    assert engine.run(chain(START, node("Set", "set", broken, 3.4))).error.message == "invalid syntax"
    going_on = engine.run(chain(START, node("Set", "set", broken, 3.4, onError="continueRegularOutput")), items=TWO)
    assert output_of(going_on, "Set") == [{"error": "invalid syntax"}] * 2


def test_a_node_is_tried_again_as_often_as_it_says(engine):
    halt = node("Halt", "stopAndError", {"errorMessage": "x"}, retryOnFail=True, maxTries=3, waitBetweenTries=100)
    started = time.monotonic()
    outcome = engine.run(chain(START, halt))
    assert outcome.status == "error"
    assert time.monotonic() - started >= 0.2, "it was tried twice more, each time after a pause"
    (run,) = outcome.data["resultData"]["runData"]["Halt"]
    tries = run["metadata"]["tries"]
    assert [each["error"] for each in tries] == ["x"] * 3
    assert all(tries[0]["startTime"] <= each["startTime"] and each["executionTime"] < 100 for each in tries)


@pytest.fixture
def failing_first(monkeypatch):
    """Nodes named "Flaky" fail when they are tried first."""
    tried = []

    async def run_flaky(context, run):
        tried.append(context.node.name)
        if tried.count("Flaky") == 1 and context.node.name == "Flaky":
            raise NodeError("long " * 500)
        return await run_node(context, run)

    monkeypatch.setattr(attempts, "run_node", run_flaky)


@pytest.mark.parametrize("kind", ["noOp", "wait"])
def test_several_tries_are_recorded_by_the_run_that_they_came_to(engine, failing_first, kind):
    """Those of a node that waits in the end are kept until it goes on; a node that succeeds at once costs nothing."""
    flaky = node("Flaky", kind, {"resume": "webhook"}, 1.1, retryOnFail=True, waitBetweenTries=1, webhookId="w")
    document = chain(START, flaky, node("Calm", "noOp", retryOnFail=True))
    outcome = engine.run(document, items=TWO)
    if kind == "wait":
        assert outcome.status == "waiting"
        outcome = engine.run(document, resume=json.loads(json.dumps(outcome.data)))
    assert outcome.status == "success"
    runs = outcome.data["resultData"]["runData"]
    assert "metadata" not in runs["Calm"][0]
    first, second = runs["Flaky"][0]["metadata"]["tries"]
    assert (len(first["error"]), second["error"]) == (500, None)
    assert first["startTime"] <= second["startTime"]


def test_a_retry_does_not_take_over_the_tries_of_what_it_retries(engine, failing_first):
    document = chain(START, node("Flaky", "wait", {"resume": "webhook"}, 1.1, retryOnFail=True, waitBetweenTries=1))
    waiting = engine.run(document, items=TWO)
    assert len(waiting.data["resultData"]["runData"]["Flaky"][0]["metadata"]["tries"]) == 2
    again = engine.run(document, mode="retry", resume=prepare_retry(json.loads(json.dumps(waiting.data))))
    assert all("metadata" not in run for run in again.data["resultData"]["runData"]["Flaky"])


class SubWorkflow:
    """One that fails at first, waits when it is called again, ends its wait like `ended`, and succeeds then.

    `told`: how many failed tries its caller's progress tells of with each call, and with each look at an outcome.
    """

    def __init__(self, ended: ChildOutcome, *, is_started: bool) -> None:
        self.ended, self.is_started = ended, is_started
        self.calls = 0
        self.ports = Ports(read_child=self.read_child)
        self.told: list[int] = []

    async def run_child(self, ports, request):
        self.calls += 1
        self.told.append(len(ports.progress.tries))
        if self.calls == 1 and not self.is_started:
            raise NodeError("not yet")
        if self.calls == 1:
            return ChildOutcome([], "7", error="not yet")
        return ChildOutcome([], "8", waits=True) if self.calls == 2 else ChildOutcome([TWO], "9")

    async def read_child(self, execution_id, meter):
        self.told.append(len(self.ports.progress.tries))
        return ChildOutcome([], "7", error="not yet") if execution_id == "7" else self.ended


@pytest.mark.parametrize(
    ("is_started", "error", "told"),
    [(True, None, [0, 1, 0, 1]), (False, None, [0, 1, 0]), (True, "no", [0, 1, 0, 1, 2]), (False, "no", [0, 1, 0, 2])],
)
def test_a_try_that_waited_for_a_sub_workflow_is_recorded_once(engine, monkeypatch, is_started, error, told):
    sub = SubWorkflow(ChildOutcome([] if error else [TWO], "8", error=error), is_started=is_started)
    monkeypatch.setattr(engine, "_run_child", sub.run_child)
    chosen = {"workflowId": {"__rl": True, "mode": "id", "value": "w"}, "options": {}}
    often = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 1}
    document = chain(START, node("Call", "executeWorkflow", chosen, 1.2, **often))
    waiting = engine.run(document, items=TWO)
    assert waiting.status == "waiting"
    (before,) = waiting.data["resultData"]["runData"]["Call"]
    outcome = engine.run(document, resume=waiting.data, ports=sub.ports)
    assert (outcome.status, sub.calls) == ("success", 3 if error else 2)
    (run,) = outcome.data["resultData"]["runData"]["Call"]
    first, second, *more = run["metadata"]["tries"]
    assert [first, second["startTime"]] == [before["metadata"]["tries"][0], before["metadata"]["tries"][1]["startTime"]]
    assert (first["error"], second["error"]) == ("not yet", error)
    assert [one["error"] for one in more] == ([None] if error else [])
    assert sub.told == told


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"errorMessage": "plain"}, "plain"),
        ({"errorMessage": "=for {{ $json.id }}"}, "for 1"),
        ({"errorType": "errorObject", "errorObject": '{"message": "seven", "code": 7}'}, "seven"),
        ({"errorType": "errorObject", "errorObject": '{"description": "d", "error": "e"}'}, "d"),
        ({"errorType": "errorObject", "errorObject": '{"a": 1}'}, 'Error: {"a":1}'),
        ({"errorType": "errorObject", "errorObject": "[1]"}, "Error: [1]"),
        (
            {"errorType": "errorObject", "errorObject": "{bad"},
            "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
        ),
    ],
)
def test_stop_and_error_says_what_it_was_told(engine, parameters, message):
    outcome = engine.run(chain(START, node("Halt", "stopAndError", parameters)), items=TWO)
    assert outcome.error.message == message


def test_why_a_try_has_failed_is_made_storable_before_it_is_cut(engine, failing_first):
    ports = Ports(storable=lambda text: text.replace("long ", "x"))
    flaky = node("Flaky", "noOp", retryOnFail=True, waitBetweenTries=1)
    runs = engine.run(chain(START, flaky), ports=ports).data["resultData"]["runData"]
    assert runs["Flaky"][0]["metadata"]["tries"][0]["error"] == "x" * 500
