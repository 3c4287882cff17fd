"""What a caller gets, in each of n8n's modes of answering."""

import threading
from typing import Any

import pytest

from tests.api.webhooks.conftest import FAILS, FILE, NONE, ONE, TWO, Hook, Site, respond, webhook
from tests.patience import wait_until
from tests.workflows import code, node

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
DEEP = code("return [{json: {o: {l: [1, {b: 2}], z: null}}}]", "Deep")
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
        ({"respondWith": "text", "responseBody": "={{ $json.none }}"}, (200, JSON, b"")),
        (
            {"respondWith": "json", "responseBody": "={{ DateTime.fromISO('2020-01-01T00:00:00Z', {zone: 'utc'}) }}"},
            (200, JSON, b'"2020-01-01T00:00:00.000Z"'),
        ),
        ({"respondWith": "text", "responseBody": "={{ new Date(0) }}"}, (200, JSON, b'"1970-01-01T00:00:00.000Z"')),
        (
            {"respondWith": "text", "responseBody": "={{ '2020-01-01T00:00:00.000Z' }}"},
            (200, HTML, b"2020-01-01T00:00:00.000Z"),
        ),
        ({"respondWith": "json"}, (200, JSON, b'{"myField":"value"}')),
        ({"respondWith": "json", "responseBody": ""}, (200, JSON, b"")),
        ({"respondWith": "json", "responseBody": "={{ $json.none }}"}, (200, JSON, b"")),
        ({"respondWith": "json", "responseBody": "null"}, (200, JSON, b"null")),
        ({"respondWith": "noData"}, (200, JSON, b"")),
        ({"respondWith": "allIncomingItems"}, (200, JSON, b'[{"a":1}]')),
        (
            {"respondWith": "allIncomingItems", "options": {"responseKey": "a.b"}},
            (200, JSON, b'{"a":{"b":[{"a":1}]}}'),
        ),
        ({"respondWith": "firstIncomingItem", "options": {"responseKey": "k"}}, (200, JSON, b'{"k":{"a":1}}')),
        ({"options": {"responseKey": 'k[0]["x y"]'}}, (200, JSON, b'{"k":[{"x y":{"a":1}}]}')),
        ({"respondWith": "text", "responseBody": "x", "options": {"responseCode": 205}}, (205, HTML, b"")),
        ({"options": {"responseHeaders": headers(Content_Type="")}}, (200, JSON, b'{"a":1}')),
        ({"options": {"responseHeaders": headers(Content_Type="={{ null }}")}}, (200, JSON, b'{"a":1}')),
        (
            {"options": {"responseHeaders": headers(Content_Type="application/xml; charset=latin1")}},
            (200, "application/xml; charset=utf-8", b'{"a":1}'),
        ),
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


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_has_no_type(site: Site, code: int) -> None:
    answer = site.answer(by_node(), ONE, respond(respondWith="text", responseBody="x", options={"responseCode": code}))
    assert (answer.status, answer.content) == (code, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("example.com/x", "https://example.com/x"),
        ("localhost:3000", "https://localhost:3000"),
        ("/here", "/here"),
        ("//there/x", "//there/x"),
        ("ftp://a.b/c", "ftp://a.b/c"),
        ("={{ '?q=1' }}", None),
        ("={{ '' }}", None),
        ("={{ 5 }}", None),
        ("={{ null }}", None),
        ("a b", None),
    ],
)
def test_where_a_redirect_leads(site: Site, url: str, location: str | None) -> None:
    redirect = respond(respondWith="redirect", redirectURL=url if url.startswith("=") else f"={{{{ '{url}' }}}}")
    answer = site.answer(by_node(), ONE, redirect)
    assert answer.headers.get("location") == location
    assert answer.status == (500 if location is None else 307)


def ended(site: Site, hook: Hook) -> dict[str, Any]:
    """The execution, with its data, once it is over; the answer comes before."""
    wait_until(lambda: site.latest(hook)["status"] not in ("new", "running"))
    return site.latest(hook)


RESPONSE = {"respondWith": "json", "responseBody": '{"a": 1}', "options": {"responseCode": 203}}


@pytest.mark.parametrize(
    ("version", "parameters", "outputs"),
    [
        (1.2, {"enableResponseOutput": True}, 1),
        (1.3, {}, 2),
        (1.4, {}, 1),
        (1.4, {"enableResponseOutput": True}, 2),
        (1.5, {"enableResponseOutput": True}, 2),
    ],
)
def test_the_output_that_tells_what_was_answered(site: Site, version: float, parameters: dict, outputs: int) -> None:
    options = {"responseHeaders": headers(X_A="q"), "responseCode": 203}
    hook = site.add(by_node(), TWO, respond(version, **RESPONSE | parameters | {"options": options}))
    assert site.call("GET", hook.path).status == 203
    [run] = ended(site, hook)["data"]["resultData"]["runData"]["Respond"]
    items, *more = run["data"]["main"]
    assert [item["json"]["n"] for item in items] == [1, 2]
    said = {"response": {"body": {"a": 1}, "headers": {"x-a": "q"}, "statusCode": 203}}
    assert [[item["json"] for item in output] for output in more] == [[said]] * (outputs - 1)


@pytest.mark.parametrize(
    ("on_error", "outputs"),
    [
        ("continueRegularOutput", [[{"error": "Invalid JSON in 'Response Body' field"}]]),
        ("continueErrorOutput", [[], [{"n": 1, "s": "x", "error": "Invalid JSON in 'Response Body' field"}]]),
    ],
)
def test_a_failure_where_the_workflow_goes_on_is_an_item(site: Site, on_error: str, outputs: list) -> None:
    failing = {**respond(respondWith="json", responseBody="{"), "onError": on_error}
    hook = site.add(by_node(), TWO, failing)
    assert site.call("GET", hook.path).status == 200
    [run] = ended(site, hook)["data"]["resultData"]["runData"]["Respond"]
    assert run["executionStatus"] == "success"
    assert [[item["json"] for item in output] for output in run["data"]["main"]] == outputs


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
