"""What a caller gets, in each of n8n's modes of answering."""

import threading
from typing import Any

import pytest

from tests.api.webhooks.conftest import (
    FAILS,
    FILE,
    HTML,
    JSON,
    NONE,
    ONE,
    TWO,
    Site,
    by_node,
    headers,
    respond,
    status,
    webhook,
)
from tests.patience import wait_until
from tests.workflows import code, node

DEEP = code("return [{json: {o: {l: [1, {b: 2}], z: null}}}]", "Deep")
STARTED = b'{"message":"Workflow was started"}'


def at_once(version: float = 2, **more: Any) -> dict[str, Any]:
    return webhook(version, responseMode="onReceived", **more)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (at_once(), (200, JSON, STARTED)),
        (at_once(options={"responseData": "hello"}), (200, HTML, b"hello")),
        (at_once(options={"responseData": "=hello"}), (200, HTML, b"hello")),
        (at_once(1, options={"responseData": "hello"}), (200, HTML, b"hello")),
        (at_once(options={"noResponseBody": True, "responseCode": status(201)}), (201, JSON, b"")),
        (at_once(1, responseCode=202), (202, JSON, STARTED)),
        (at_once(1, responseCode=202, options={"responseCode": status(299)}), (202, JSON, STARTED)),
        (at_once(options={"responseCode": 202}), (200, JSON, STARTED)),
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
        ({"options": {"responsePropertyName": "o.l[1].b"}}, DEEP, (200, JSON, b"2")),
        ({"options": {"responsePropertyName": "o.z"}}, DEEP, (200, JSON, b"null")),
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
        ([ONE, {**respond(respondWith="text", responseBody="x"), "disabled": True}], (200, b"")),
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
