"""What a caller gets, in each of n8n's modes of answering."""

import threading
from typing import Any

import pytest

from tests.api.webhooks.conftest import FAILS, FILE, NONE, ONE, TWO, Site, respond, webhook
from tests.patience import wait_until
from tests.workflows import node

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
STARTED = b'{"message":"Workflow was started"}'


def at_once(version: float = 2, **more: Any) -> dict[str, Any]:
    return webhook(version, responseMode="onReceived", **more)


def by_node(**options: Any) -> dict[str, Any]:
    return webhook(responseMode="responseNode", options=options)


def headers(**values: str) -> dict[str, Any]:
    return {"entries": [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]}


def status(code: int) -> dict[str, Any]:
    return {"values": {"responseCode": code}}


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (at_once(), (200, JSON, STARTED)),
        (at_once(options={"responseData": "hello"}), (200, HTML, b"hello")),
        (at_once(1, options={"responseData": "hello"}), (200, HTML, b"hello")),
        (at_once(options={"noResponseBody": True, "responseCode": status(201)}), (201, JSON, b"")),
        (at_once(1, responseCode=202), (202, JSON, STARTED)),
        (
            at_once(options={"responseCode": {"values": {"responseCode": "customCode", "customCode": 418}}}),
            (418, JSON, STARTED),
        ),
    ],
)
def test_at_once(site: Site, hook: dict[str, Any], expected: tuple[int, str, bytes]) -> None:
    answer = site.answer(hook, FAILS)
    assert (answer.status, answer.kind, answer.content) == expected


@pytest.mark.parametrize(
    ("parameters", "last", "expected"),
    [
        ({}, TWO, (200, JSON, b'{"n":1,"s":"x"}')),
        ({"responseData": "firstEntryJson"}, TWO, (200, JSON, b'{"n":1,"s":"x"}')),
        ({"responseData": "allEntries"}, TWO, (200, JSON, b'[{"n":1,"s":"x"},{"n":2}]')),
        ({"responseData": "allEntries"}, NONE, (200, JSON, b"[]")),
        ({"responseData": "noData"}, TWO, (200, JSON, b"")),
        ({"responseData": "noData"}, NONE, (200, JSON, b"")),
        ({"responseData": "firstEntryBinary"}, FILE, (200, "image/png", b"hey")),
        ({"options": {"responsePropertyName": "s"}}, TWO, (200, HTML, b"x")),
        ({"options": {"responsePropertyName": "n"}}, TWO, (200, JSON, b"1")),
        ({"options": {"responsePropertyName": "zz"}}, TWO, (200, JSON, b"")),
        ({"options": {"responseContentType": "text/plain"}}, ONE, (200, "text/plain; charset=utf-8", b'{"a":1}')),
        (
            {"options": {"responseContentType": "text/plain", "responsePropertyName": "s"}},
            TWO,
            (200, "text/plain; charset=utf-8", b"x"),
        ),
        ({"options": {"responseCode": status(201)}}, ONE, (201, JSON, b'{"a":1}')),
        ({"options": {"noResponseBody": True, "responseData": "x"}}, ONE, (200, JSON, b'{"a":1}')),
    ],
)
def test_by_the_last_node(site: Site, parameters: dict, last: dict, expected: tuple[int, str, bytes]) -> None:
    answer = site.answer(webhook(**parameters), last)
    assert (answer.status, answer.kind, answer.content) == expected


@pytest.mark.parametrize(
    ("parameters", "last", "message"),
    [
        ({}, NONE, "No item to return was found"),
        ({"responseData": "firstEntryBinary"}, NONE, "No item was found to return"),
        ({"responseData": "firstEntryBinary"}, TWO, "No binary data was found to return"),
        (
            {"responseData": "firstEntryBinary", "responseBinaryPropertyName": "other"},
            FILE,
            "The binary property 'other' which should be returned does not exist",
        ),
        ({}, FAILS, "Error in workflow"),
    ],
)
def test_the_last_node_has_nothing_to_answer_with(site: Site, parameters: dict, last: dict, message: str) -> None:
    answer = site.answer(webhook(**parameters), last)
    assert (answer.status, answer.message) == (500, message)


@pytest.mark.parametrize("mode", ["onReceived", "lastNode"])
def test_headers_of_the_node(site: Site, mode: str) -> None:
    options = {"responseHeaders": headers(X_A="v", Content_Type="text/csv")}
    answer = site.answer(webhook(responseMode=mode, options=options), ONE)
    assert answer.headers["x-a"] == "v"
    assert answer.kind == "text/csv; charset=utf-8"


@pytest.mark.parametrize("version", [1, 1.1, 1.2, 1.3, 1.4, 1.5])
def test_respond_with_the_first_item(site: Site, version: float) -> None:
    answer = site.answer(by_node(), TWO, respond(version, options={}))
    assert (answer.status, answer.kind, answer.content) == (200, JSON, b'{"n":1,"s":"x"}')


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"respondWith": "json", "responseBody": '{"x": 1}'}, (200, JSON, b'{"x":1}')),
        ({"respondWith": "json", "responseBody": "={{ $json }}"}, (200, JSON, b'{"a":1}')),
        ({"respondWith": "json", "responseBody": '={ "y": {{ $json.a }} }'}, (200, JSON, b'{"y":1}')),
        ({"respondWith": "json", "responseBody": '"s"'}, (200, HTML, b"s")),
        ({"respondWith": "text", "responseBody": "=hi {{ $json.a }}"}, (200, HTML, b"hi 1")),
        ({"respondWith": "text", "responseBody": "={{ $json.a }}"}, (200, JSON, b"1")),
        ({"respondWith": "text", "responseBody": ""}, (200, HTML, b"")),
        ({"respondWith": "noData"}, (200, JSON, b"")),
        ({"respondWith": "allIncomingItems"}, (200, JSON, b'[{"a":1}]')),
        (
            {"respondWith": "allIncomingItems", "options": {"responseKey": "a.b"}},
            (200, JSON, b'{"a":{"b":[{"a":1}]}}'),
        ),
        ({"respondWith": "firstIncomingItem", "options": {"responseKey": "k"}}, (200, JSON, b'{"k":{"a":1}}')),
        (
            {
                "respondWith": "text",
                "responseBody": "x",
                "options": {"responseCode": 299, "responseHeaders": headers(Content_Type="text/csv")},
            },
            (299, "text/csv; charset=utf-8", b"x"),
        ),
    ],
)
def test_respond_with(site: Site, parameters: dict, expected: tuple[int, str, bytes]) -> None:
    answer = site.answer(by_node(), ONE, respond(**parameters))
    assert (answer.status, answer.kind, answer.content) == expected


def test_respond_with_a_header_that_depends_on_the_item(site: Site) -> None:
    options = {"responseHeaders": headers(X_A="=v{{ $json.a }}")}
    assert site.answer(by_node(), ONE, respond(respondWith="noData", options=options)).headers["x-a"] == "v1"


@pytest.mark.parametrize(("options", "expected"), [({}, 307), ({"responseCode": 301}, 301)])
def test_respond_with_a_redirect(site: Site, options: dict, expected: int) -> None:
    redirect = respond(respondWith="redirect", redirectURL="http://x.y/z", options=options)
    answer = site.answer(by_node(), ONE, redirect)
    assert (answer.status, answer.headers["location"], answer.content) == (expected, "http://x.y/z", b"")


def test_respond_with_a_file(site: Site) -> None:
    answer = site.answer(by_node(), FILE, respond(respondWith="binary"))
    assert (answer.status, answer.kind, answer.content) == (200, "image/png", b"hey")
    missing = respond(respondWith="binary", responseDataSource="set", inputFieldName="other")
    assert site.answer(by_node(), FILE, missing).status == 500
    assert site.answer(by_node(), ONE, respond(respondWith="binary")).message == "Error in workflow"


@pytest.mark.parametrize(
    ("nodes", "content"), [([ONE], b'{"a":1}'), ([respond(respondWith="text", responseBody="x"), ONE], b"x")]
)
def test_a_streamed_answer_is_a_node_s_or_the_last_one_s(site: Site, nodes: list[dict], content: bytes) -> None:
    assert site.answer(webhook(responseMode="streaming"), *nodes).content == content


def test_the_answer_comes_before_the_workflow_ends(site: Site) -> None:
    slow = node("Slow", "wait", {"resume": "timeInterval", "amount": 60, "unit": "seconds"}, 1.1)
    hook = site.add(by_node(), respond(respondWith="text", responseBody="now"), slow)
    assert site.call("GET", hook.path).content == b"now"
    assert site.latest(hook)["status"] == "running"
    assert site.server.post(f"/api/v1/executions/{site.latest(hook)['id']}/stop").status == 200


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([FAILS, respond()], (500, b'{"message":"Error in workflow"}')),
        ([respond(respondWith="text", responseBody="x"), FAILS], (200, b"x")),
        ([respond(respondWith="json", responseBody="{x")], (500, b'{"message":"Error in workflow"}')),
        ([NONE, respond()], (200, b"")),
    ],
)
def test_a_failure_before_and_after_the_answer(site: Site, nodes: list, expected: tuple[int, bytes]) -> None:
    answer = site.answer(by_node(), *nodes)
    assert (answer.status, answer.content) == expected


@pytest.mark.parametrize(
    ("hook", "nodes", "message"),
    [
        (by_node(), [ONE], "No Respond to Webhook node found in the workflow"),
        (webhook(), [respond()], "Unused Respond to Webhook node found in the workflow"),
        (at_once(), [respond()], "Unused Respond to Webhook node found in the workflow"),
    ],
)
def test_a_mode_that_does_not_fit_the_nodes(site: Site, hook: dict, nodes: list, message: str) -> None:
    added = site.add(hook, *nodes)
    answer = site.call("GET", added.path)
    assert (answer.status, answer.message) == (500, message)
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", added.workflow_id) == [(0,)]


def test_a_workflow_that_waits_long_is_answered_with_what_it_has(site: Site) -> None:
    long = node("Long", "wait", {"resume": "timeInterval", "amount": 70, "unit": "seconds"}, 1.1)
    hook = site.add(webhook(), ONE, long, TWO)
    answer = site.call("GET", hook.path)
    assert (answer.status, answer.content) == (200, b'{"a":1}')
    assert site.latest(hook)["status"] == "waiting"


def test_a_stopped_execution_is_answered(site: Site) -> None:
    slow = node("Slow", "wait", {"resume": "timeInterval", "amount": 60, "unit": "seconds"}, 1.1)
    hook = site.add(webhook(), slow)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(site.call("GET", hook.path)))
    caller.start()
    running = "SELECT 1 FROM executions WHERE workflow_id = %s AND status = 'running'"
    wait_until(lambda: site.query(running, hook.workflow_id), pause=0.05)
    stopped = site.server.post(f"/api/v1/executions/{site.latest(hook)['id']}/stop")
    assert stopped.status == 200
    caller.join()
    assert [(answer.status, answer.message) for answer in answers] == [(500, "Error in workflow")]


def test_a_workflow_that_keeps_nothing_still_answers(site: Site) -> None:
    hook = site.add(webhook(), ONE, saveDataSuccessExecution="none")
    assert site.call("GET", hook.path).json == {"a": 1}
    assert site.query("SELECT count(*) FROM executions WHERE workflow_id = %s", hook.workflow_id) == [(0,)]


def test_a_page_may_be_shown(site: Site) -> None:
    """The answer is the workflow's: a page in it may use what pages use, but not the server's origin."""
    policy = site.answer(by_node(), respond(respondWith="text", responseBody="<form>")).headers
    assert policy["content-security-policy"].startswith("sandbox allow-")
