"""What a stored sub-workflow is handed, and what its parent's data says of it."""

from typing import Any

import pytest

from tests.api.webhooks.conftest import FAILS, Site, webhook
from tests.workflows import code, node

GIVE = code("return [{json: {v: '1', n: 'a'}}, {json: {v: '2', n: 'b'}}]", "Give")
SCHEMA = [{"id": "v", "type": "number"}, {"id": "x", "type": "string"}]
NAMED = {"workflowInputs": {"values": [{"name": "v", "type": "number"}, {"name": "x"}, {"name": "none"}]}}


def child(site: Site, *nodes: dict[str, Any], **parameters: Any) -> str:
    trigger = node("In", "executeWorkflowTrigger", parameters or {"inputSource": "passthrough"}, 1.1)
    return site.save([trigger, *nodes], name="Child")


def called(site: Site, workflow_id: str, on_error: str = "stopWorkflow", **parameters: Any) -> dict[str, Any]:
    """The run of a node that calls the workflow."""
    chosen = {"workflowId": {"__rl": True, "mode": "id", "value": workflow_id}, "options": {}, **parameters}
    hook = site.add(webhook(), GIVE, node("Sub", "executeWorkflow", chosen, 1.2, onError=on_error))
    site.call("GET", hook.path)
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["Sub"]
    return run


def mapping(converting: bool) -> dict[str, Any]:
    value = {"v": "={{ $json.v }}", "x": "={{ $json.n }}!"}
    return {
        "workflowInputs": {
            "mappingMode": "defineBelow",
            "value": value,
            "schema": SCHEMA,
            "attemptToConvertTypes": converting,
        }
    }


def json_of(run: dict[str, Any]) -> list[Any]:
    return [item["json"] for item in run["data"]["main"][0]]


def test_fields_that_are_mapped_have_the_types_that_were_said(site: Site) -> None:
    workflow_id = child(site, node("Done", "noOp"), **NAMED)
    assert json_of(called(site, workflow_id, **mapping(True))) == [
        {"v": 1, "x": "a!", "none": None},
        {"v": 2, "x": "b!", "none": None},
    ]
    error = called(site, workflow_id, **mapping(False))["error"]
    assert (error["message"], error["description"]) == (
        "Invalid input for 'v' [item 0]",
        "'v' expects a number but we got '1'",
    )


def test_mapped_fields_lie_over_those_of_the_item_and_removed_ones_count_for_nothing(site: Site) -> None:
    given = mapping(True)
    given["workflowInputs"]["schema"] = [SCHEMA[0], {**SCHEMA[1], "removed": True}]
    run = called(site, child(site, node("Done", "noOp")), **given)
    assert json_of(run) == [{"v": 1, "n": "a"}, {"v": 2, "n": "b"}]


@pytest.mark.parametrize("parameters", [NAMED, {"inputSource": "jsonExample", "jsonExample": '{"v": 1, "x": 2}'}])
def test_what_the_trigger_does_not_name_stays_outside(site: Site, parameters: dict[str, Any]) -> None:
    run = called(site, child(site, **parameters))
    assert [{"v": item["v"], "x": item["x"]} for item in json_of(run)] == [{"v": "1", "x": None}, {"v": "2", "x": None}]
    assert all("n" not in item for item in json_of(run))


def test_each_item_says_which_execution_it_comes_from(site: Site) -> None:
    workflow_id = child(site, code("return [{json: {id: $execution.id}}]"))
    run = called(site, workflow_id, mode="each")
    told = [item["metadata"]["subExecution"] for item in run["data"]["main"][0]]
    assert told == [{"executionId": each["id"], "workflowId": workflow_id} for each in json_of(run)]
    assert run["metadata"] == {"subExecutionsCount": 2, "subExecutions": [each["id"] for each in json_of(run)]}


@pytest.mark.parametrize("parameters", [{}, {"mode": "each"}, {"options": {"waitForSubWorkflow": False}}])
def test_items_that_are_handed_over_carry_their_place(site: Site, parameters: dict[str, Any]) -> None:
    run = called(site, child(site, node("Done", "noOp")), **parameters)
    assert [item["index"] for item in run["data"]["main"][0]] == [0, 1]


def test_the_error_of_the_sub_workflow_stands_for_the_node_that_called_it(site: Site) -> None:
    workflow_id = child(site, FAILS)
    error = called(site, workflow_id)["error"]
    assert (error["message"], error["node"]["name"], error["workflowId"]) == ("boo", "Fails", workflow_id)
    run = called(site, workflow_id, "continueRegularOutput")
    assert "metadata" not in run, "the item alone says which execution has failed"
    [item] = run["data"]["main"][0]
    assert item["json"] == {"error": "boo"}
    assert item["metadata"]["subExecution"]["workflowId"] == workflow_id
