"""What a caller gets from the Respond to Webhook node, and what the node puts out."""

from typing import Any

import pytest

from tests.api.webhooks.conftest import FILE, HTML, JSON, ONE, TWO, Hook, Site, by_node, headers, respond
from tests.patience import wait_until


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
