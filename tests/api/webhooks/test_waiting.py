"""An execution that waits for a call: it goes on once, with what the call brought."""

import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.repository.connection import connect
from tests.api.webhooks.conftest import ONE, Hook, Site, respond, webhook
from tests.patience import wait_until
from tests.repository.given import as_before_compression
from tests.workflows import code, node

AFTER = code("return $input.all().map(item => ({json: {got: item.json}}))", "After")
URL = code("return [{json: {url: $execution.resumeUrl}}]", "Url")


def wait(**parameters: Any) -> dict[str, Any]:
    return node("Wait", "wait", {"resume": "webhook", **parameters}, 1.1, webhookId="e1f2")


def begun(site: Site, *nodes: dict[str, Any]) -> tuple[Hook, str]:
    """A workflow that has come to its wait, and the path of its resume URL."""
    hook = site.add(webhook(responseMode="onReceived"), URL, *nodes)
    assert site.call("GET", hook.path).status == 200
    until(site, hook, "waiting")
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["Url"]
    address = urlsplit(run["data"]["main"][0][0]["json"]["url"])
    assert f"http://{address.netloc}" == site.server.url
    return hook, f"{address.path}?{address.query}"


def until(site: Site, hook: Hook, status: str) -> None:
    def found() -> list[tuple[Any, ...]]:
        query = "SELECT status FROM executions WHERE workflow_id = %s ORDER BY id DESC LIMIT 1"
        return site.query(query, hook.workflow_id)

    wait_until(lambda: found() == [(status,)], found, pause=0.05)


def resumed_with(site: Site, hook: Hook) -> dict[str, Any]:
    until(site, hook, "success")
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["Wait"]
    return run["data"]["main"][0][0]["json"]


def test_it_goes_on_with_the_call(site: Site) -> None:
    hook, path = begun(site, wait(), AFTER)
    assert site.latest(hook)["waitTill"] == "3000-01-01T00:00:00.000Z"
    answer = site.call("GET", path + "&ok=yes", base="", X_Custom="v")
    assert (answer.status, answer.message) == (200, "Workflow was started")
    item = resumed_with(site, hook)
    assert item["query"]["ok"] == "yes"
    assert item["headers"]["x-custom"] == "v"
    assert list(item) == ["headers", "params", "query", "body", "webhookUrl", "executionMode"]
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["After"]
    assert run["data"]["main"][0][0]["json"]["got"]["query"]["ok"] == "yes"


def test_one_that_began_to_wait_before_data_was_compressed_goes_on(site: Site) -> None:
    hook, path = begun(site, wait(httpMethod="POST", responseMode="lastNode"), AFTER)
    [[number]] = site.query("SELECT max(id) FROM executions WHERE workflow_id = %s", hook.workflow_id)
    with connect(site.database_url) as connection:
        as_before_compression(connection, number)
    assert site.call("GET", path, base="").status == 404
    answer = site.call("POST", path, {"n": 7}, base="")
    assert answer.status == 200
    assert answer.json["got"]["body"] == {"n": 7}


def test_only_who_was_given_the_address_can_call(site: Site) -> None:
    hook, path = begun(site, wait(), AFTER)
    bare = path.split("?")[0]
    for guess in (bare, f"{bare}?signature=", f"{bare}?signature={'0' * 64}"):
        assert site.call("GET", guess, base="").status == 401
    until(site, hook, "waiting")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_page_of_another_origin_learns_the_method(site: Site, method: str) -> None:
    _, path = begun(site, wait(httpMethod=method))
    asked = {"Origin": "https://a.b", "Access_Control_Request_Method": method}
    preflight = site.call("OPTIONS", path, base="", **asked)
    assert preflight.headers["access-control-allow-methods"] == f"OPTIONS, {method}"
    guessed = site.call("OPTIONS", path.partition("?")[0], base="", **asked)
    assert guessed.headers["access-control-allow-methods"] == "OPTIONS, GET, POST"
    answer = site.call(method, path, base="", Origin="https://a.b")
    assert (answer.status, answer.headers["access-control-allow-methods"]) == (200, f"OPTIONS, {method}")


@pytest.mark.parametrize("unknown", ["99999999", "abc", "0", "9" * 30])
def test_an_execution_that_does_not_exist(site: Site, unknown: str) -> None:
    assert site.call("GET", unknown, base="/webhook-waiting/").status in (401, 404)


def test_of_many_callers_one_is_heard(site: Site) -> None:
    hook, path = begun(site, wait(httpMethod="POST"), AFTER)
    answers = []
    callers = [
        threading.Thread(target=lambda number=number: answers.append(site.call("POST", path, {"n": number}, base="")))
        for number in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    resumed_with(site, hook)
    late = site.call("POST", path, {}, base="")
    assert late.status == 409
    assert "finished already" in late.message


@pytest.mark.parametrize(
    "place", ["{bare}/approve?{query}", "{bare}?{query}/approve"], ids=["path", "behind resumeUrl"]
)
def test_the_method_and_the_suffix_must_be_the_nodes(site: Site, place: str) -> None:
    hook, path = begun(site, wait(httpMethod="POST", options={"webhookSuffix": "approve"}), AFTER)
    bare, query = path.split("?")
    right = place.format(bare=bare, query=query)
    for method, wrong in (("POST", path), ("GET", right), ("POST", right.replace("approve", "other"))):
        answer = site.call(method, wrong, base="")
        assert answer.status == 404
        assert "does not contain a waiting webhook with a matching path/method" in answer.message
    assert site.call("POST", right, {"ok": True}, base="").status == 200
    assert resumed_with(site, hook)["body"] == {"ok": True}


@pytest.mark.parametrize(
    ("parameters", "status", "expected"),
    [
        ({"responseMode": "lastNode"}, 200, {"a": 1}),
        ({"responseMode": "lastNode", "responseData": "allEntries", "responseCode": 202}, 202, [{"a": 1}]),
        ({"responseMode": "onReceived", "responseCode": 203}, 203, {"message": "Workflow was started"}),
    ],
)
def test_it_answers_as_the_node_says(site: Site, parameters: dict, status: int, expected: Any) -> None:
    options = {"responseHeaders": {"entries": [{"name": "X-A", "value": "b"}]}}
    _, path = begun(site, wait(**parameters, options=options), ONE)
    answer = site.call("GET", path, base="")
    assert (answer.status, answer.json, answer.headers["x-a"]) == (status, expected, "b")


def test_a_node_after_the_wait_answers(site: Site) -> None:
    _, path = begun(site, wait(responseMode="responseNode"), ONE, respond(respondWith="text", responseBody="thanks"))
    assert site.call("GET", path, base="").content == b"thanks"


def test_one_wait_after_another_is_answered_anew(site: Site) -> None:
    second = {**wait(responseMode="lastNode"), "name": "Second", "id": "second"}
    first = webhook(responseMode="lastNode")
    hook = site.add(first, URL, wait(responseMode="lastNode"), code("return [{json: {first: true}}]"), second, AFTER)
    url = site.call("GET", hook.path).json["url"]
    path = url.removeprefix(site.server.url)
    until(site, hook, "waiting")
    assert site.call("GET", path, base="").json == {"first": True}
    until(site, hook, "waiting")
    assert site.call("GET", path + "&n=2", base="").json["got"]["query"]["n"] == "2"
    until(site, hook, "success")


def test_a_limit_lets_it_go_on_without_a_call(site: Site) -> None:
    limit = {"limitWaitTime": True, "limitType": "afterTimeInterval", "resumeAmount": 1, "resumeUnit": "seconds"}
    hook = site.add(webhook(responseMode="onReceived"), ONE, wait(**limit), AFTER)
    site.call("GET", hook.path)
    assert resumed_with(site, hook) == {"a": 1}


def test_a_wait_for_a_time_is_ended_by_no_call(site: Site) -> None:
    hook, path = begun(site, wait(resume="timeInterval", amount=1, unit="hours"), AFTER)
    answer = site.call("GET", path, base="")
    assert answer.status == 404
    assert "does not contain a waiting webhook with a matching path/method" in answer.message
    until(site, hook, "waiting")


def test_a_stopped_execution_hears_no_call(site: Site) -> None:
    hook, path = begun(site, wait(), AFTER)
    assert site.server.post(f"/api/v1/executions/{site.latest(hook)['id']}/stop").status == 200
    assert site.call("GET", path, base="").status == 409


def test_a_manual_run_waits_for_a_call_as_well(site: Site) -> None:
    workflow_id = site.save([node("Start", "manualTrigger"), URL, wait(responseMode="lastNode"), ONE])
    hook = Hook(workflow_id, "")
    assert site.server.post(f"/api/v1/workflows/{workflow_id}/run", {}).status == 200
    until(site, hook, "waiting")
    [run] = site.latest(hook)["data"]["resultData"]["runData"]["Url"]
    path = run["data"]["main"][0][0]["json"]["url"].removeprefix(site.server.url)
    assert site.call("GET", path, base="").json == {"a": 1}
