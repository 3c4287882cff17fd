"""Nodes of a package that hang on each other, in a real package process: a model, a memory, tools, and their roots."""

import json

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.nodes.postbox import postbox as postbox_of_mails
from tests.engine.running import output_of
from tests.packages.hanging import ASSISTANT, ITEMS, KIND, hung, lookup, model, uses
from tests.workflows import node

postbox = postbox_of_mails


def test_a_model_and_a_memory_serve_their_root_and_each_use_is_recorded(ai):
    memory = node("Memory", KIND + "memory", {"key": "={{ $json.q }}"})
    document = hung(ASSISTANT, (model(["hello"]), "ai_languageModel"), (memory, "ai_memory"))
    outcome = ai.run(document, items=ITEMS)
    assert outcome.status == "success"
    assert [item["remembered"] for item in output_of(outcome, "Assistant")] == [["hello"], ["hello"]]
    model_runs = uses(outcome, "Model")
    assert model_runs == [
        ("ai_languageModel", {"messages": ["one"]}, {"response": "hello"}),
        ("ai_languageModel", {"messages": ["two"]}, {"response": "hello"}),
    ]
    assert [given["action"] for _, given, _ in uses(outcome, "Memory")] == ["save", "load", "save", "load"]
    run = outcome.data["resultData"]["runData"]["Model"][1]
    assert run["source"] == [{"previousNode": "Assistant", "previousNodeRun": 0}]
    assert run["metadata"] == {"subRun": [{"node": "Model", "runIndex": 1}]}
    lines = outcome.data["resultData"]["runData"]["Assistant"][0]
    assert lines["executionStatus"] == "success"


def test_the_engine_runs_the_tools_that_a_root_asks_for_with_what_the_model_filled_in(ai):
    asked = {"call": "Lookup", "with": {"city": "Paris", "days": 3}}
    what = "={{ $fromAI('city', 'The city') }} {{ $fromAI('days', '', 'number', 1) }} {{ $('Start').item.json.q }}"
    document = hung(ASSISTANT, (model([asked, "done"]), "ai_languageModel"), (lookup(what=what), "ai_tool"))
    outcome = ai.run(document, items=ITEMS)
    first, second = output_of(outcome, "Assistant")
    assert first["said"] == "done"
    assert first["tools"] == [
        {
            "name": "Lookup",
            "description": "Looks up",
            "properties": {
                "city": {"type": "string", "description": "The city"},
                "days": {"type": "number", "default": 1},
            },
        }
    ]
    assert [entry["about"] for entry in first["results"][0]] == ["Paris 3 one"]
    assert [entry["about"] for entry in second["results"][0]] == ["Paris 3 two"]
    assert first["results"][0][0]["tool"] is True
    assert [given for _, given, _ in uses(outcome, "Lookup")] == [asked["with"]] * 2


def test_our_own_nodes_are_tools_of_a_package_too(ai):
    own = node("Table", "n8n-nodes-base.setTool", {"mode": "raw", "jsonOutput": "={{ {a: $fromAI('a')} }}"}, 3.4)
    asked = {"call": "Table", "with": {"a": "b"}}
    document = hung(ASSISTANT, (model([asked, "done"]), "ai_languageModel"), (own, "ai_tool"))
    outcome = ai.run(document, items=ITEMS[:1])
    assert output_of(outcome, "Assistant")[0]["results"] == [[{"a": "b"}]]


def gated(gate):
    """An assistant whose model asks for a tool that a node, named Gate, is to approve."""
    asked = {"call": "Lookup", "by": "Gate", "with": {"city": "Paris"}}
    return hung(
        ASSISTANT,
        (model([asked, "done"]), "ai_languageModel"),
        (gate, "ai_tool"),
        (lookup(what="={{ $fromAI('city') }}"), "ai_tool", "Gate"),
    )


def test_a_tool_is_used_when_a_person_has_approved_it(ai):
    gate = node("Gate", KIND + "questionHitlTool")
    document = gated(gate)

    def run(**more):
        ports = Ports(question_url=lambda node, run: f"http://h/form-waiting/5/{node}?run={run}&signature=s")
        return ai.run(document, items=ITEMS[:1], ports=ports, **more)

    waiting = run()
    assert (waiting.status, waiting.resume_on, waiting.wait_till.year) == ("waiting", "webhook", 2090)
    assert waiting.asks == {"operation": "sendAndWait", "responseType": "approval", "run": 0}
    kept = json.dumps(waiting.data)  # as in the database, over a restart
    approved, declined = (
        ai.run(document, resume=json.loads(kept), items=[{"json": {"data": {"approved": answer}}}])
        for answer in (True, False)
    )
    first = output_of(approved, "Assistant")[0]
    assert [entry["about"] for entry in first["results"][0]] == ["Paris"]
    assert list(first["tools"][0]["properties"]) == ["toolParameters", "hitlParameters"]
    assert uses(approved, "Gate") == [
        ("ai_tool", {"tool": "Lookup", "toolParameters": {"city": "Paris"}}, {"data": {"approved": True}})
    ]
    (used,) = approved.data["resultData"]["runData"]["Lookup"]
    assert used["source"] == [{"previousNode": "Gate", "previousNodeOutput": 0, "previousNodeRun": 0}]
    assert used["inputOverride"]["ai_tool"][0][0]["json"] == {"city": "Paris"}
    assert "Lookup" not in declined.data["resultData"]["runData"]
    assert output_of(declined, "Assistant")[0]["results"] == [[{"data": {"approved": False}}]]
    gate["parameters"]["chatApproval"] = True
    assert "is not offered here" in uses(run(), "Gate")[0][2]


@pytest.mark.parametrize("version", [2, 2.1])
def test_our_own_mail_asks_before_a_tool_is_used(ai, postbox, monkeypatch, version):
    box, held = postbox
    parameters = {"fromEmail": "a@b.example", "toEmail": "c@b.example", "subject": "May I?"}
    gate = node("Gate", "emailSendHitlTool", parameters, version, credentials={"smtp": {"id": "c1"}})
    document = gated(gate)

    async def read(credential_id, kind):
        return held

    monkeypatch.setattr(ai, "outgoing", Outgoing(AddressRules.parse("127.0.0.1")))
    ports = Ports(credentials=read, question_url=lambda node, run: f"http://h/form-waiting/5/{node}?run={run}")
    waiting = ai.run(document, items=ITEMS[:1], ports=ports)
    assert (waiting.status, waiting.resume_on) == ("waiting", "webhook")
    assert waiting.asks == {"operation": "sendAndWait", "responseType": "approval", "run": 0}
    [(_, recipients, message)] = box.received
    assert recipients == ["c@b.example"]
    for part in ("wants to run this tool: Lookup", "Paris", "http://h/form-waiting/5/"):
        assert part in message.get_content()
    kept = json.dumps(waiting.data)
    approved, declined = (
        ai.run(document, resume=json.loads(kept), items=[{"json": {"data": {"approved": answer}}}], ports=ports)
        for answer in (True, False)
    )
    assert [each["about"] for each in output_of(approved, "Assistant")[0]["results"][0]] == ["Paris"]
    assert output_of(declined, "Assistant")[0]["results"] == [[{"data": {"approved": False}}]]
    assert len(box.received) == 1


def test_our_own_chat_asks_before_a_tool_is_used(ai):
    gate = node("Gate", "@n8n/n8n-nodes-langchain.chatHitlTool", version=1.3)
    document = gated(gate)
    trigger = {"type": "@n8n/n8n-nodes-langchain.chatTrigger", "typeVersion": 1.3}
    document["nodes"][0] = {
        **document["nodes"][0],
        **trigger,
        "parameters": {"options": {"responseMode": "responseNodes"}},
    }
    ports = Ports(said=[])
    waiting = ai.run(document, items=ITEMS[:1], ports=ports)
    assert waiting.status == "waiting"
    [message] = ports.said
    assert message["text"] == 'The agent wants to run this tool: Lookup\n\nInput:\n{"city":"Paris"}'
    assert [button["text"] for button in message["buttons"]] == ["Approve"]
    kept = json.dumps(waiting.data)
    approved = ai.run(document, resume=json.loads(kept), items=[{"json": {"data": {"approved": True}}}], ports=ports)
    assert [each["about"] for each in output_of(approved, "Assistant")[0]["results"][0]] == ["Paris"]


def test_questions_at_once_are_asked_one_after_the_other(ai):
    document = hung(
        ASSISTANT,
        (model([{"call": "Lookup", "by": "Gate", "with": {"city": "Paris"}}, "done"]), "ai_languageModel"),
        (node("Gate", KIND + "questionHitlTool"), "ai_tool"),
        (lookup(what="={{ $fromAI('city') }}"), "ai_tool", "Gate"),
    )
    ports = Ports(question_url=lambda node, run: f"http://h/form-waiting/5/{node}?run={run}&signature=s")
    outcome = ai.run(document, items=ITEMS[:2], ports=ports)
    for place in (0, 1):
        assert (outcome.status, outcome.asks["run"]) == ("waiting", place)
        kept = json.loads(json.dumps(outcome.data))
        outcome = ai.run(document, resume=kept, items=[{"json": {"data": {"approved": True}}}], ports=ports)
    assert outcome.status == "success"
    runs = outcome.data["resultData"]["runData"]["Lookup"]
    assert [run["source"][0]["previousNodeRun"] for run in runs] == [0, 1], "each is led to by the answer that it had"
    assert [run["inputOverride"]["ai_tool"][0][0]["pairedItem"]["item"] for run in runs] == [0, 1]


def test_two_gates_at_once_are_answered_each_for_its_own_tool(ai):
    lines = """={{ $json.q === "one" ? [{call: "Lookup", by: "Gate", with: {city: "Paris"} }, "done"]
                                     : [{call: "Own", by: "Other", with: {a: "b"} }, "done"] }}"""
    own = node("Own", "n8n-nodes-base.setTool", {"mode": "raw", "jsonOutput": "={{ {a: $fromAI('a')} }}"}, 3.4)
    document = hung(
        ASSISTANT,
        (node("Model", KIND + "model", {"lines": lines}), "ai_languageModel"),
        (node("Gate", KIND + "questionHitlTool", id="gate"), "ai_tool"),
        (node("Other", KIND + "questionHitlTool", id="other"), "ai_tool"),
        (lookup(what="={{ $fromAI('city') }}"), "ai_tool", "Gate"),
        (own, "ai_tool", "Other"),
    )
    ports = Ports(question_url=lambda node, run: f"http://h/form-waiting/5/{node}?run={run}&signature=s")
    outcome = ai.run(document, items=ITEMS, ports=ports)
    for gate in ("Gate", "Other"):
        assert (outcome.status, outcome.document.due_node["name"]) == ("waiting", gate)
        kept = json.loads(json.dumps(outcome.data))
        outcome = ai.run(document, resume=kept, items=[{"json": {"by": gate, "data": {"approved": True}}}], ports=ports)
    assert outcome.status == "success"
    runs = outcome.data["resultData"]["runData"]
    assert [runs[name][0]["data"]["ai_tool"][0][0]["json"] for name in ("Gate", "Other")] == [
        {"by": gate, "data": {"approved": True}} for gate in ("Gate", "Other")
    ]
    for name, gate, given in (("Lookup", "Gate", {"city": "Paris"}), ("Own", "Other", {"a": "b"})):
        (used,) = runs[name]
        assert used["source"][0]["previousNode"] == gate
        assert used["inputOverride"]["ai_tool"][0][0]["json"] == given


def test_a_root_that_runs_its_tools_itself_gets_what_they_give(ai):
    direct = node("Direct", KIND + "direct", {"query": '{"city": "Rome", "text": "hi"}'})
    own = node("Own", "n8n-nodes-base.setTool", {"mode": "raw", "jsonOutput": "={{ {own: $fromAI('city')} }}"}, 3.4)
    supplied = node("Supplied", KIND + "supplied")
    document = hung(
        direct,
        (lookup(what="={{ $fromAI('city') }}"), "ai_tool"),
        (own, "ai_tool"),
        (supplied, "ai_tool"),
        (model(["from below"], "Below"), "ai_languageModel", "Supplied"),
    )
    outcome = ai.run(document, items=ITEMS[:1])
    answers = {item["tool"]: item["answer"] for item in output_of(outcome, "Direct")}
    assert json.loads(answers["Lookup"])[0]["about"] == "Rome"
    assert json.loads(answers["Own"]) == [{"own": "Rome"}]
    assert answers["Supplied"] == "from below"
    assert list(answers) == ["Supplied", "Own", "Lookup"]  # the last connected first, as in n8n
    assert uses(outcome, "Own") == [("ai_tool", {"city": "Rome", "text": "hi"}, {"response": [{"own": "Rome"}]})]
    below = outcome.data["resultData"]["runData"]["Below"][0]
    assert below["source"] == [{"previousNode": "Supplied", "previousNodeRun": 0}]
    failing = lookup(fails=True)
    document["nodes"] = [failing if each["name"] == "Lookup" else each for each in document["nodes"]]
    outcome = ai.run(document, items=ITEMS[:1])
    assert output_of(outcome, "Direct")[-1]["answer"] == "The tool failed: Nothing is found"
    assert uses(outcome, "Lookup")[0][2] == "Nothing is found"
    waiting = node("Lookup", "waitTool", {"resume": "webhook"}, 1.1)
    document["nodes"] = [waiting if each["name"] == "Lookup" else each for each in document["nodes"]]
    outcome = ai.run(document, items=ITEMS[:1])
    said = output_of(outcome, "Direct")[-1]["answer"]
    assert said.endswith("'Lookup' cannot wait while the node that uses it goes on")


def test_a_tool_that_only_supplies_itself_is_called_by_the_engine(ai):
    asked = {"call": "Supplied", "with": {"text": "hi"}}
    supplied = node("Supplied", KIND + "supplied")
    document = hung(ASSISTANT, (model([asked, "done"]), "ai_languageModel"), (supplied, "ai_tool"))
    outcome = ai.run(document, items=ITEMS[:1])
    assert output_of(outcome, "Assistant")[0]["results"] == [[{"response": "Supplied got hi"}]]


def test_what_a_package_remembers_stays_within_its_project(ai, monkeypatch):
    document = hung(ASSISTANT, (model(["hi"]), "ai_languageModel"), (node("Memory", KIND + "memory"), "ai_memory"))

    def remembered():
        outcome = ai.run({**document, "id": "remembering"}, items=ITEMS[:1])
        return output_of(outcome, "Assistant")[0]["remembered"]

    assert [remembered(), remembered()] == [["hi"], ["hi", "hi"]]
    monkeypatch.setattr(ai, "sandbox", ai.sandbox.for_project("other"))
    assert remembered() == ["hi"]


def test_programs_of_a_workflow_do_not_run_beside_the_code_of_packages(ai):
    tool = node("Code", KIND + "program", {"code": "return `${query.city} ${typeof process} ${typeof require}`"})
    asked = {"call": "Code", "with": {"city": "Paris"}}
    document = hung(ASSISTANT, (model([asked, "done"]), "ai_languageModel"), (tool, "ai_tool"))
    outcome = ai.run(document, items=ITEMS[:1])
    assert output_of(outcome, "Assistant")[0]["results"] == [[{"response": "Paris undefined function"}]]
    tool["parameters"]["code"] = "const n = 1;\nthrow new Error('no luck')"
    outcome = ai.run(document, items=ITEMS[:1])
    assert "no luck [line 2]" in output_of(outcome, "Assistant")[0]["results"][0][0]["response"]
