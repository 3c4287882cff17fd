"""What becomes of a root and its run when something below it is missing, fails, or is stopped."""

import asyncio

import pytest

from app.engine.run.ports import Ports
from app.engine.run.run import RunRequest, run_workflow
from app.engine.run.sub_nodes import begin_use
from tests.packages.hanging import ASSISTANT, ITEMS, KIND, hung, model
from tests.workflows import node


@pytest.mark.parametrize(
    ("hanging", "message"),
    [
        ([], "A Model sub-node must be connected and enabled"),
        ([(model(["a"]), "ai_languageModel"), (model(["b"], "Other"), "ai_languageModel")], "Only 1 ai_languageModel"),
        ([(model([]), "ai_languageModel")], "The model has nothing to say"),
        ([({**model(["a"]), "disabled": True}, "ai_languageModel")], "A Model sub-node must be connected and enabled"),
    ],
)
def test_what_is_missing_or_fails_below_a_root_is_its_error(ai, hanging, message):
    outcome = ai.run(hung(ASSISTANT, *hanging), items=ITEMS[:1])
    assert outcome.error.node == "Assistant"
    assert outcome.error.message.startswith(message)


def test_an_error_that_a_sub_node_has_made_names_it_and_the_root_fails(ai):
    silent = model([])
    silent["parameters"]["named"] = True
    result = ai.run(hung(ASSISTANT, (silent, "ai_languageModel")), items=ITEMS[:1]).data["resultData"]
    assert (result["error"]["node"]["name"], result["lastNodeExecuted"]) == ("Model", "Assistant")


def test_a_sub_node_that_cannot_supply_is_named(ai):
    broken = node("Supplied", KIND + "supplied", {"broken": "={{ $json.q === 'one' }}"})
    document = hung(ASSISTANT, (model(["a"]), "ai_languageModel"), (broken, "ai_tool"))
    outcome = ai.run(document, items=ITEMS[:1])
    error = outcome.data["resultData"]["error"]
    assert (error["message"], error["description"]) == ("Error in sub-node Supplied", "This tool is broken")
    assert error["node"]["name"] == "Supplied"
    (run,) = outcome.data["resultData"]["runData"]["Supplied"]
    assert run["executionStatus"] == "error", "asked twice, it has failed in one place"
    failed = {"node": "Supplied", "runIndex": 0}
    assert outcome.data["executionData"]["metadata"] == {"Assistant": [{"subRun": [failed, failed]}]}


def test_a_run_that_is_stopped_ends_what_its_sub_nodes_do(ai, monkeypatch):
    document = hung(ASSISTANT, (model(["never said"]), "ai_languageModel"))
    began = asyncio.Event()

    def begin(*given):
        began.set()
        return begin_use(*given)

    async def never(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr("app.packages.sub_nodes.begin_use", begin)
    monkeypatch.setattr("app.packages.sub_nodes.SubNodes.end_use", never)

    async def stop():
        request = RunRequest("1", "manual", document, items=ITEMS[:1], ports=Ports(outgoing=ai.outgoing))
        task = asyncio.ensure_future(run_workflow(request, ai.sandbox, ai.types))
        await began.wait()
        task.cancel()
        return await task

    stopped = ai.wait_for(stop())
    assert stopped.status == "canceled"
    (run,) = stopped.data["resultData"]["runData"]["Model"]
    assert run["executionStatus"] == "canceled"
