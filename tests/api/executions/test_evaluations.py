"""GET /executions/{id}/parameters: a node's expressions with the values that they had in a recorded run."""

from typing import Any

import pytest

from app import evaluations as engine_side
from app.api.executions import evaluations
from app.credentials.masking import HIDDEN
from tests.workflows import attach, chain, node, set_field

EXPRESSIONS = {
    "item": "={{ $json.n * 2 }}",
    "text": "=Dear {{ $('Orders').item.json.name }}",
    "earlier": "={{ $('Edit').all().length }} of {{ $input.all().length }} in {{ $runIndex }}",
    "nobody": "={{ $('Nobody').item.json.name }}",
    "nothing": "={{ $json.nothing }}",
    "thrown": "={{ $json.nothing.at.all }}",
    "syntax": "={{ $json. }}",
    "address": "={{ $execution.resumeUrl }}",
    "variable": "={{ $vars.region }}",
    "proof": "={{ $('Orders').first().json.key }}",
    "odd name": [{"deep": "={{ $itemIndex }}"}],
    "plain": "=no expression",
}
HANDED_IN = [{"json": {"n": n, "name": f"Customer {n}", "key": HIDDEN}, "pairedItem": {"item": n}} for n in range(3)]
EDITED = [{"json": {"n": item["json"]["n"]}, "pairedItem": {"item": 2 - n}} for n, item in enumerate(HANDED_IN)]


def run(index: int, source: str | None, items: list[dict[str, Any]]) -> dict[str, Any]:
    sources = [{"previousNode": source}] if source else []
    return {"executionIndex": index, "executionStatus": "success", "source": sources, "data": {"main": [items]}}


@pytest.fixture
def number(api) -> int:
    tool = node("Tool", "noOp", {"city": "={{ $fromAI('city') }}", "of": "={{ $json.n }}"})
    last = node("Last", "noOp", EXPRESSIONS)
    document = chain(node("Orders", "manualTrigger"), set_field("n", "={{ $json.n }}", "Edit"), last, tool)
    del document["connections"]["Last"]
    workflow = api.workflow(**attach(document, ("Tool", "ai_tool", "Last")))
    asked = [[{"json": {"city": "Oslo"}, "pairedItem": {"item": 1}}]]
    run_data = {
        "Orders": [run(0, None, HANDED_IN)],
        "Edit": [run(1, "Orders", EDITED), run(4, "Orders", [])],
        "Last": [run(2, "Edit", EDITED)],
        "Tool": [{**run(3, "Last", []), "inputOverride": {"ai_tool": asked}}],
    }
    return api.ended(workflow, data={"resultData": {"runData": run_data, "lastNodeExecuted": "Edit"}})


def parameters(answer) -> dict[str, tuple[Any, ...]]:
    assert answer.status_code == 200, answer.json
    return {each["path"]: (each["value"], each["missing"], each["error"]) for each in answer.json["parameters"]}


def test_what_each_expression_gave_for_an_item(api, number: int) -> None:
    assert api.post("/variables", {"key": "region", "value": "north"}).status_code == 201
    path = f"/executions/{number}/parameters?node=Last&item=2"
    answer = api.get(path)
    found = parameters(answer)
    assert {name: answer.json[name] for name in ("node", "run", "item", "items", "leftOut")} == {
        "node": "Last", "run": 0, "item": 2, "items": 3, "leftOut": 0
    }  # fmt: skip
    assert answer.json["parameters"][0]["configured"] == EXPRESSIONS["item"]
    assert found.pop("nobody")[2].startswith("Referenced node doesn't exist")
    assert "Cannot read prop" in found.pop("thrown")[2]
    assert found.pop("syntax")[2]
    assert found == {
        "item": (4, None, None),
        "text": ("Dear Customer 0", None, None),
        "earlier": ("3 of 3 in 0", None, None),
        "nothing": (None, "undefined", None),
        "address": (HIDDEN, None, None),
        "variable": ("north", None, None),
        "proof": (HIDDEN, None, None),
        '["odd name"][0].deep': (2, None, None),
    }
    limited = parameters(api.with_key("limited", "execution:read").get(path))
    assert limited["variable"][2] == "It asks for $vars, which this API key may not read (variable:list)"
    assert limited["item"] == (4, None, None)


def test_a_tool_sees_what_the_model_has_filled_in(api, number: int) -> None:
    found = parameters(api.get(f"/executions/{number}/parameters?node=Tool"))
    assert found == {"city": ("Oslo", None, None), "of": (1, None, None)}


def test_a_retry_sees_the_items_that_it_brought_along(api, number: int) -> None:
    data = api.get(f"/executions/{number}?includeData=true").json["data"]
    answer = api.post(f"/executions/{number}/retry", {"from": {"node": "Edit", "run": 0}, "items": [{"n": 70}]})
    assert answer.status_code == 200, answer.json
    retry = int(answer.json["id"])
    data["resultData"]["runData"]["Edit"][0]["inputOverride"] = {"main": [[{"json": {"n": 70}}]]}
    api.finish(retry, data=data)
    answer = api.get(f"/executions/{retry}/parameters?node=Edit")
    assert (parameters(answer)["assignments.assignments[0].value"], answer.json["items"]) == ((70, None, None), 1)
    assert api.get(f"/executions/{retry}/parameters?node=Last").json["items"] == 3


def test_who_may_not_see_the_execution_gets_nothing(api, number: int) -> None:
    foreign = api.with_key("foreign", "execution:read", project_id=api.project("other"))
    assert foreign.get(f"/executions/{number}/parameters?node=Last").status_code == 404
    assert api.with_key("lists", "execution:list").get(f"/executions/{number}/parameters?node=Last").status_code == 403


def test_what_cannot_be_evaluated_is_refused(api, number: int, monkeypatch) -> None:
    def refusal(query: str, of: int = number) -> tuple[int, str]:
        answer = api.get(f"/executions/{of}/parameters?{query}")
        return answer.status_code, answer.json["message"]

    assert refusal("run=0")[0] == refusal("node=Last&item=-1")[0] == 400
    assert refusal("node=Nobody") == (404, "The node 'Nobody' is not in the execution, or never ran")
    assert refusal("node=Last&run=1") == (404, "The node 'Last' has run 1 times: there is no run 1")
    assert refusal("node=Last&item=3")[1] == "The run 0 of the node 'Last' was given 3 items: there is no item 3"
    assert refusal("node=Start", api.queue(api.workflow())) == (409, "The execution has recorded nothing yet")
    broken = api.ended(api.workflow(), data={"resultData": {"runData": {"Start": [7]}}})
    assert refusal("node=Start", broken)[0] == 409
    monkeypatch.setattr(engine_side, "SECONDS", 0.0)
    assert refusal("node=Last") == (409, "The node's expressions take longer than 5 seconds")
    monkeypatch.setattr(evaluations, "MAX_BYTES", 100)
    status, message = refusal("node=Last")
    assert (status, "above 100 no expressions" in message) == (409, True)


def test_a_project_has_a_share_of_the_places(api, number: int) -> None:
    places = api.services.long_calls.evaluations_of_runs
    with places.taken("default"), places.taken("default"):
        answer = api.get(f"/executions/{number}/parameters?node=Last")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_values_that_are_too_large_are_not_shown(monkeypatch) -> None:
    monkeypatch.setattr(engine_side, "MAX_VALUE_BYTES", 10)
    room, deep = engine_side.AnswerBudget(14), []
    for _ in range(300):
        deep = [deep]
    values = ["x" * 9, "x" * 8, "x" * 5, deep]
    taken = [room.take(engine_side.past.Evaluated("path", "=", value)) for value in values]
    assert [each.value for each in taken] == [b"null", b'"xxxxxxxx"', b"null", b"null"]
    assert [each.error is None for each in taken] == [False, True, False, False]
