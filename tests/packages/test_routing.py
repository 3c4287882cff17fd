"""Described nodes: what their parameters put into a request, and what is made of the answers."""

import json
from typing import Any

import pytest

from tests.packages.running import PackageEngine, workflow_of


@pytest.fixture(autouse=True)
def credential(packages: PackageEngine, far: str) -> None:
    packages.credentials["sampleApi"] = {"url": far, "token": "a-secret-token"}


def run(packages: PackageEngine, items: list[Any] | None = None, **parameters: Any) -> Any:
    settings = parameters.pop("settings", {})
    outcome = packages.run(workflow_of("described", parameters, items, **settings))
    return outcome.data["resultData"]["runData"]["Node"][-1]


def items_of(run: Any) -> Any:
    return [item["json"] for item in run["data"]["main"][0]]


def test_parameters_become_a_request_that_proves_who_calls(packages: PackageEngine):
    given = run(
        packages,
        [{"n": "one"}, {"n": "two"}],
        id="={{ $json.n }}",
        title="=title {{ $itemIndex }}",
        more={"limit": 3, "page": "={{ 2 }}"},
        tags={"tag": [{"name": "a", "value": "b"}, {"name": "c", "value": "d"}]},
    )
    first, second = items_of(given)
    assert (first["method"], first["path"]) == ("POST", "/echo/one?limit=3&page=2")
    assert second["path"] == "/echo/two?limit=3&page=2"
    assert json.loads(first["body"]) == {"thing": {"title": "TITLE 0"}, "tags": [{"a": "b"}, {"c": "d"}]}
    headers = first["headers"]
    assert headers["authorization"] == "Bearer a-secret-token"
    assert (headers["x-one"], headers["x-two"]) == ("version-1", "signed title 0")
    assert [item["pairedItem"] for item in given["data"]["main"][0]] == [{"item": 0}, {"item": 1}]


def test_what_a_locator_stands_for_is_one_segment_of_a_path(packages: PackageEngine):
    def path_of(value: str, regex: str = "https://places/([^?]+)") -> Any:
        place = {"__rl": True, "mode": "url", "value": value, "__regex": regex}
        given = run(packages, operation="place", place=place)
        return given["error"]["message"] if "error" in given else items_of(given)[0]["path"]

    assert path_of("https://places/a/b?c") == "/echo/a%2Fb"
    whole = "/echo/https%3A%2F%2Fplaces%2Fx"
    assert path_of("https://places/x", regex="") == whole, "what stands in its field, where the editor kept no pattern"
    assert path_of("https://places/..") == 'Invalid identifier: ".." is not allowed'


ODD = [
    ("nowhere", [{}]),
    ("scalars", [{"data": 1}, {"data": 2}]),
    ("text", [{"data": "done"}]),
    ("offset", [{"path": f"/echo/offset?limit={n}&page.offset={2 * (2 - n)}"} for n in (2, 2, 1)]),
]


@pytest.mark.parametrize(("operation", "given"), ODD)
def test_odd_answers_become_items(packages: PackageEngine, operation, given):
    assert items_of(run(packages, operation=operation)) == given


def test_an_expression_of_a_description_that_fails_gives_nothing(packages: PackageEngine):
    [asked] = items_of(run(packages, operation="broken"))
    assert asked["path"] == "/echo/broken?index=undefined"


def test_a_missing_credential_is_named_by_its_type(packages: PackageEngine):
    error = run(packages, settings={"credentials": {}})["error"]
    missing = 'Node does not have any credentials set for "sampleApi"'
    assert (error["name"], error["message"]) == ("NodeOperationError", missing)


def test_an_operation_without_an_address_asks_the_base_address(packages: PackageEngine):
    [asked] = items_of(run(packages, operation="bare"))
    assert (asked["method"], asked["path"]) == ("GET", "/")


def test_pages_are_read_until_the_last(packages: PackageEngine):
    assert items_of(run(packages, operation="pages")) == [{"row": page * 10 + n} for page in (1, 2, 3) for n in (0, 1)]


def test_answers_are_shaped_step_by_step(packages: PackageEngine):
    assert items_of(run(packages, operation="shape")) == [{"number": 10, "of": "seven", "item": 0, "id": "seven"}]


def test_an_answer_becomes_a_file(packages: PackageEngine):
    [item] = run(packages, operation="file")["data"]["main"][0]
    file = item["binary"]["data"]
    assert (item["json"], file["data"], file["mimeType"]) == ({}, "YSxiCjEsMgo=", "text/csv")


def test_a_refusal_is_an_error_of_the_service(packages: PackageEngine):
    error = run(packages, operation="fails")["error"]
    assert (error["name"], error["httpCode"], error["context"]["itemIndex"]) == ("NodeApiError", "422", 0)
    outcome = run(packages, operation="fails", settings={"onError": "continueRegularOutput"})
    [item] = outcome["data"]["main"][0]
    assert item["json"] == {"error": item["error"]["message"]}
    assert (item["error"]["httpCode"], item["pairedItem"]) == ("422", {"item": 0})


def test_what_has_to_be_set_is_missed_before_the_run(packages: PackageEngine):
    kind = packages.types.find("n8n-nodes-sample.described", 1)
    assert [issue.message for issue in kind.find_issues({"id": ""}, 1)] == ['Parameter "Id" is required.']
    assert kind.find_issues({}, 1) == []
    assert kind.needed_credentials({}, 1) == ["sampleApi"]


def test_a_described_node_has_functions_of_its_own_and_a_webhook_for_answers(packages: PackageEngine):
    sent = packages.run(workflow_of("asks", {}))
    [item] = items_of(sent.data["resultData"]["runData"]["Node"][-1])
    assert (item["method"], item["path"]) == ("POST", "/echo/sent")
    asked = packages.run(workflow_of("asks", {"operation": "sendAndWait"}))
    assert (asked.status, asked.wait_till and asked.wait_till.year, asked.resume_on) == ("waiting", 2090, "webhook")
