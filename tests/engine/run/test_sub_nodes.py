"""Nodes that hang on others: what they see, how each use of them is recorded, and tools that the engine runs."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.engine.run.checks import check_configured
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.graph import InvalidWorkflow
from app.engine.run.meter import Meter
from app.engine.run.node_types import NodeType
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.restart import CannotRestart, restart_at, restart_at_failure
from app.engine.run.run import RunRequest, run_workflow
from app.engine.run.sub_nodes import attached, use_as_tool
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.ai.nodes import PREFIX, types
from tests.ai.seen import seen
from tests.engine.running import Engine, output_of
from tests.workflows import START, attach, chain, node

CASES = Path(__file__).parents[2] / "conformance" / "recorded_ai"
PLAYED = [
    *("chain", "chain-nomodel", "chain-disabled", "chain-fails"),
    *("agent-code", "agent-two-models", "agent-nested", "agent-forever", "tool-issue", "sub-nocred"),
]
TWO = [{"json": {"q": "one"}}, {"json": {"q": "two"}}]


@pytest.fixture(scope="module")
def ai_engine(engine):
    made = object.__new__(Engine)
    made.runner, made.sandbox, made.types = engine.runner, engine.sandbox, types()
    return made


def agent_with(tool, *before, model="one-tool", after=()):
    """Start, what is before, an agent with a model and one tool named Lookup, and what is after it."""
    agent = node("Agent", PREFIX + "agent", {"text": "={{ $json.q }}", "options": {}}, 3)
    asked = node("Model", PREFIX + "lmChatOpenAi", {"model": {"value": model}}, 1.2)
    document = chain(START, *before, agent, *after)
    document["nodes"] += [asked, tool]
    return attach(document, ("Model", "ai_languageModel", "Agent"), ("Lookup", "ai_tool", "Agent"))


def runs(data, name):
    return data["resultData"]["runData"][name]


@pytest.mark.parametrize("name", PLAYED)
def test_a_recorded_case_is_recorded_here_as_in_n8n(ai_engine, name):
    case = json.loads((CASES / f"{name}.json").read_text())
    ports = Ports(outgoing=Outgoing(AddressRules.parse("")))
    outcome = ai_engine.run(case["workflow"], mode="test", start_node="Start", ports=ports)
    assert seen(outcome.data, outcome.status) == case["expected"]


def test_a_tool_sees_its_call_and_the_item_that_the_agent_works_on(ai_engine):
    view = {
        "city": "={{ $fromAI('city', 'The city', 'string') }}",
        "json": "={{ $json }}",
        "before": "={{ $('Start').item.json.q }}",
        "mid": "={{ $('Mid').item.json.q }}",
        "previous": "={{ $prevNode.name }}",
        "place": "={{ $itemIndex }}",
    }
    document = agent_with(node("Lookup", "test.view", {"view": view}), node("Mid", "noOp"))
    outcome = ai_engine.run(document, items=TWO)
    answers = [run["data"]["ai_tool"][0][0]["json"] for run in runs(outcome.data, "Lookup")]
    assert answers == [
        {
            "city": "Paris",
            "json": {"q": q, "city": "Paris", "toolCallId": "call_1"},
            "before": q,
            "mid": q,
            "previous": "Agent",
            "place": 0,
        }
        for q in ("one", "two")
    ]


def test_a_sub_node_sees_the_items_of_the_node_that_it_serves(ai_engine):
    root = node("Root", "test.useAll")
    view = {"q": "={{ $json.q }}", "before": "={{ $('Start').item.json.q }}", "previous": "={{ $prevNode.name }}"}
    document = chain(START, root)
    document["nodes"].append(node("Sub", "test.view", {"view": view}))
    attach(document, ("Sub", "ai_tool", "Root"))
    outcome = ai_engine.run(document, items=TWO)
    assert output_of(outcome, "Root") == [{"q": "two", "before": "two", "previous": "Start"}]


def interruptible(engine, stops):
    """The engine's types with a tool that stops the run at its first call, and answers later ones."""
    calls = []

    async def run(context):
        calls.append(context.items[0]["json"])
        if len(calls) == 1:
            await stops(calls)
        return [[{"json": {"response": "late"}}]]

    engine.types.add(NodeType(f"test.tool{id(calls)}", (1.0,), run))
    return f"test.tool{id(calls)}", calls


def test_a_run_stopped_in_a_tool_goes_on_with_that_call(ai_engine):
    began = asyncio.Event()

    async def hang(calls):
        began.set()
        await asyncio.sleep(60)

    kind, calls = interruptible(ai_engine, hang)
    document = agent_with(node("Lookup", kind), after=[node("After", "noOp")])

    async def stop():
        request = RunRequest("1", "manual", document, items=TWO)
        task = asyncio.ensure_future(run_workflow(request, ai_engine.sandbox, ai_engine.types))
        await began.wait()
        task.cancel()
        return await task

    stopped = ai_engine.wait_for(stop())
    assert stopped.status == "canceled"
    data = json.loads(json.dumps(stopped.data))
    assert [task["node"]["name"] for task in data["executionData"]["nodeExecutionStack"]] == [
        "Lookup",
        "Lookup",
        "Agent",
    ]
    resumed = ai_engine.run(document, resume=data)
    assert resumed.status == "success"
    assert output_of(resumed, "After") == [{"output": "done"}, {"output": "done"}]
    assert [call["q"] for call in calls] == ["one", "one", "two"]
    assert len(runs(resumed.data, "Lookup")) == 2
    assert len(runs(resumed.data, "Model")) == 4
    anew = ai_engine.run(document, resume=restart_at_failure(data, [{"json": {"q": "new"}}]))
    assert [run["inputOverride"]["ai_tool"][0][0]["json"] for run in runs(anew.data, "Lookup")] == [{"city": "Paris"}]
    assert output_of(anew, "After") == [{"output": "done"}]


def test_a_tool_may_wait_and_what_wakes_it_is_its_answer(ai_engine):
    async def wait(calls):
        raise WaitRequested(datetime.now(UTC) + timedelta(hours=1), "webhook")

    kind, _ = interruptible(ai_engine, wait)
    document = agent_with(node("Lookup", kind))
    waiting = ai_engine.run(document, items=TWO[:1])
    assert waiting.status == "waiting"
    assert runs(waiting.data, "Lookup")[-1]["executionStatus"] == "waiting"
    data = json.loads(json.dumps(waiting.data))
    woken = ai_engine.run(document, resume=data, items=[{"json": {"approved": True}}])
    assert woken.status == "success"
    (call,) = runs(woken.data, "Lookup")
    assert call["data"]["ai_tool"] == [[{"json": {"approved": True}, "pairedItem": {"item": 0}}]]
    assert output_of(woken, "Agent") == [{"output": "done"}]


def test_a_run_starts_again_at_nodes_but_not_at_sub_nodes(ai_engine):
    document = agent_with(node("Lookup", PREFIX + "toolCode"), after=[node("After", "noOp")])
    data = json.loads(json.dumps(ai_engine.run(document, items=TWO).data))
    with pytest.raises(CannotRestart, match="only runs for 'Agent'"):
        restart_at(data, "Lookup", 1)
    after = restart_at(data, "After", 0)
    assert len(runs(after, "Lookup")) == 2
    assert [task["node"]["name"] for task in after["executionData"]["nodeExecutionStack"]] == ["After"]
    again = restart_at(data, "Agent", 0)
    assert list(again["resultData"]["runData"]) == ["Start"]
    assert again["executionData"]["metadata"] == {"Model": []}
    outcome = ai_engine.run(document, resume=again)
    assert seen(outcome.data, outcome.status)["runs"] == seen(data, "success")["runs"]


@pytest.mark.parametrize("disabled", [False, True])
def test_a_node_asks_only_for_tools_that_are_connected_and_enabled(ai_engine, monkeypatch, disabled):
    document = agent_with(node("Lookup", PREFIX + "toolCode"))
    if disabled:
        document["nodes"][-1]["disabled"] = True
    else:
        del document["connections"]["Lookup"]
    named = {"Lookup": document["nodes"][-1]}
    monkeypatch.setattr("tests.ai.nodes.attached", lambda *_: [type("Named", (), {"name": name}) for name in named])
    monkeypatch.setattr("tests.ai.nodes.supplied_one", _scripted)
    outcome = ai_engine.run(document, items=TWO)
    assert (
        outcome.error.message == "'Agent' asks for the node 'Lookup', which is not connected and enabled as its ai_tool"
    )
    assert "Lookup" not in outcome.data["resultData"]["runData"]


async def _scripted(context, kind, label):
    call = {"id": "1", "function": {"name": "Lookup", "arguments": "{}"}}
    return type("Model", (), {"ask": staticmethod(lambda *_: {"content": "", "tool_calls": [call]})})


def test_what_tools_leave_behind_counts_as_memory_of_the_run(ai_engine):
    document = agent_with(node("Calculator", PREFIX + "toolCalculator"), model="forever")
    document["connections"]["Calculator"] = document["connections"].pop("Lookup")
    document["nodes"][1]["parameters"]["options"] = {"maxIterations": 100_000}
    outcome = ai_engine.run(document, items=TWO, ports=Ports(meter=Meter(50_000)))
    assert "takes more memory than it may" in outcome.error.message


@pytest.mark.parametrize("refused", ["", "Root", "Large"])
def test_what_is_too_much_fails_the_use_that_it_was_too_much_for_and_no_other(ai_engine, refused):
    """Each of these passes over what was too much for it, as if it were the fault of an item."""

    async def pass_over(context):
        if context.node.name == refused:
            with suppress(NodeError):
                context.hold(2**40)
        await asyncio.sleep(0)  # the others begin

    async def work(context):
        await asyncio.sleep(0)
        await pass_over(context)
        return [[{"json": {"done": context.node.name}}]]

    async def use_at_once(context):
        await pass_over(context)
        uses = (use_as_tool(context, each, {}) for each in attached(context, "ai_tool"))
        return [[{"json": {"answers": [str(each) for each in await asyncio.gather(*uses, return_exceptions=True)]}}]]

    ai_engine.types.add(NodeType(f"test.root{refused}", (1.0,), use_at_once))
    ai_engine.types.add(NodeType(f"test.used{refused}", (1.0,), work))
    document = chain(START, node("Root", f"test.root{refused}"))
    document["nodes"] += [node(name, f"test.used{refused}") for name in ("Large", "Small")]
    meter = Meter(2**20)
    outcome = ai_engine.run(
        attach(document, *((name, "ai_tool", "Root") for name in ("Large", "Small"))), ports=Ports(meter=meter)
    )
    assert meter.room == meter.limit - meter.used
    if refused == "Root":
        assert "EXECUTIONS_RUN_BYTES" in outcome.error.message
        return
    [large, small] = output_of(outcome, "Root")[0]["answers"]
    assert ("EXECUTIONS_RUN_BYTES" in large, small) == (refused == "Large", "[{'done': 'Small'}]")
    assert (meter.refused or ValueError()).__traceback__ is None


def test_a_sub_node_is_checked_like_a_node_before_its_workflow_is_published(ai_engine):
    document = agent_with(node("Lookup", "httpRequestTool", {}, 4.2))
    with pytest.raises(InvalidWorkflow, match='Node "Lookup":\n  - Missing or invalid required parameters: url'):
        check_configured(parse_workflow(document, ai_engine.types))


def test_a_type_is_a_tool_where_it_can_run_and_is_no_trigger(ai_engine):
    find = ai_engine.types.find
    assert find("n8n-nodes-base.httpRequestTool", 4.2).run is find("n8n-nodes-base.httpRequest", 4.2).run
    assert not find("n8n-nodes-base.manualTriggerTool", 1).installed
    assert not find("n8n-nodes-base.stickyNoteTool", 1).installed
    assert not find("n8n-nodes-base.nothingTool", 1).installed
