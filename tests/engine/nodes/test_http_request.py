"""HTTP Request beyond the recorded cases: interruption, many items, pages, odd settings."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import pytest

from app.engine.run.run import RunOutcome, RunRequest, run_workflow
from tests.engine.nodes.asking import ask, ports
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node


def test_a_line_break_makes_no_header(engine: Engine, address: str) -> None:
    headers = {"parameters": [{"name": "X-One", "value": "1\r\nX-Two: 2"}]}
    [told] = output_of(ask(engine, address + "/echo", sendHeaders=True, headerParameters=headers), "Ask")
    assert "x-two" not in told["headers"]


def test_a_stop_aborts_the_request(engine: Engine, address: str) -> None:
    request = node("Ask", "httpRequest", {"url": address + "/slow?seconds=20", "options": {}}, 4.2)

    async def stopped() -> RunOutcome:
        run = RunRequest("1", "manual", chain(START, request), ports=ports())
        task = asyncio.create_task(run_workflow(run, engine.sandbox, engine.types))
        await asyncio.sleep(0.3)
        task.cancel()
        return await task

    outcome = engine.wait_for(stopped())
    assert outcome.status == "canceled"
    assert "Ask" not in outcome.data["resultData"]["runData"], "it was not aborted: it has been answered"


def test_many_items_go_at_once_but_not_all(engine: Engine, address: str) -> None:
    items = [{"json": {"n": n}} for n in range(120)]
    outcome = ask(engine, f"={address}/echo?n={{{{ $json.n }}}}", items=items)
    assert [told["path"] for told in output_of(outcome, "Ask")] == [f"/echo?n={n}" for n in range(120)]


def test_nothing_is_sent_after_parameters_that_make_no_request(engine: Engine, address: str) -> None:
    counted = f"{address}/flaky?key=unprepared&after=0"
    items = [{"json": {"to": to}} for to in ("http://127.0.0.1:1/", counted, "ftp:bad", counted, "ftp:worse")]
    outcome = ask(engine, "={{ $json.to }}", items=items)
    assert outcome.error.message == 'Invalid URL: ftp:bad. URL must start with "http" or "https".'
    assert output_of(ask(engine, counted), "Ask") == [{"count": 2}], "the one before it was sent, the one after it not"


def test_batches_keep_their_distance(engine: Engine, address: str) -> None:
    batching = {"batching": {"batch": {"batchSize": 1, "batchInterval": 200}}}
    started = time.monotonic()
    ask(engine, address + "/echo", items=[{"json": {}}] * 3, options=batching)
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=iso-8859-1'en'%A3.txt; filename=x.txt", "£.txt"),
        ('attachment; filename="a\\"b.txt"', 'a"b.txt'),
        ('attachment; filename*0="lo"; filename*1="ng.txt"', "long.txt"),
        ("attachment; filename=", "say"),
    ],
)
def test_a_file_has_the_name_that_its_sender_means(engine: Engine, address: str, disposition: str, name: str) -> None:
    options = {"response": {"response": {"responseFormat": "file"}}}
    outcome = ask(engine, f"{address}/say?text=x&disposition={quote(disposition)}", options=options)
    [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["binary"]["data"]["fileName"] == name


def paged(engine: Engine, url: str, **settings: Any) -> RunOutcome:
    pagination = {"limitPagesFetched": True, "maxRequests": 8, **settings}
    return ask(engine, url, options={"pagination": {"pagination": pagination}})


@pytest.mark.parametrize(
    "following",
    [
        "{{ $response.body.next }}",
        "{{ $response.body.next ?? undefined }}",
        "{{ $response.body.next || '' }}",
        "{{ $response.body.next || false }}",
        "{{ $response.body.next.toString() }}",
    ],
)
def test_pages_end_where_there_is_no_next_url(engine: Engine, address: str, following: str) -> None:
    outcome = paged(engine, address + "/pages", paginationMode="responseContainsNextURL", nextURL="=" + following)
    assert [page["page"] for page in output_of(outcome, "Ask")] == [1, 2, 3]


def test_a_next_url_that_is_never_found_is_told(engine: Engine, address: str) -> None:
    url = address + "/say?text=x"
    outcome = paged(engine, url, paginationMode="responseContainsNextURL", nextURL="={{ $response.body.next.url }}")
    assert outcome.error is not None
    assert "identical 5x" in outcome.error.message


def test_expressions_of_pages_see_the_request_of_the_node(engine: Engine, address: str) -> None:
    step = {"type": "qs", "name": "page", "value": "={{ $request.qs.w * $pageCount + $request.body.a.length }}"}
    own = "{{ $request.method }}-{{ $request.uri.length }}-{{ $request.headers['x-own'] }}-{{ $request.url }}"
    told = {"type": "qs", "name": "own", "value": "=" + own}
    pagination = {
        "parameters": {"parameters": [step, told]},
        "paginationCompleteWhen": "other",
        "completeExpression": "={{ $pageCount >= 2 }}",
    }
    outcome = ask(
        engine,
        address + "/echo",
        method="POST",
        **dict.fromkeys(("sendBody", "sendQuery", "sendHeaders"), True),
        bodyParameters={"parameters": [{"name": "a", "value": "xy"}]},
        queryParameters={"parameters": [{"name": "w", "value": "5"}]},
        headerParameters={"parameters": [{"name": "X-Own", "value": "1"}]},
        options={"pagination": {"pagination": pagination}},
    )
    said = f"own=POST-{len(address + '/echo')}-1-"
    pages = [page["path"].partition("?")[2] for page in output_of(outcome, "Ask")]
    assert pages == [f"w=5&page={page}&{said}" for page in (2, 7)]


def test_a_complete_expression_that_throws_is_an_error(engine: Engine, address: str) -> None:
    outcome = paged(
        engine,
        address + "/pages",
        parameters={"parameters": [{"type": "qs", "name": "page", "value": "={{ $pageCount + 1 }}"}]},
        paginationCompleteWhen="other",
        completeExpression="={{ $response.body.rowz.length === 0 }}",
    )
    assert outcome.error is not None
    assert (
        outcome.error.message
        == "The Complete Expression failed: Cannot read properties of undefined (reading 'length')"
    )
    assert "rowz" in outcome.data["resultData"]["error"]["description"]


def test_an_undefined_header_is_left_out_in_version_1(engine: Engine, address: str) -> None:
    headers = [{"name": "x-one", "value": "={{ $json.none }}"}, {"name": "x-two", "value": "2"}]
    parameters = {"url": address + "/echo", "options": {}, "headerParametersUi": {"parameter": headers}}
    [told] = output_of(engine.run(chain(START, node("Ask", "httpRequest", parameters, 1)), ports=ports()), "Ask")
    assert "x-one" not in told["headers"]
    assert told["headers"]["x-two"] == "2"


@pytest.mark.parametrize("name", ["X One", "X-Ü", "x:y", "x\ny"])
def test_a_name_that_no_header_can_have_is_told(engine: Engine, address: str, name: str) -> None:
    outcome = ask(engine, address + "/echo", sendHeaders=True, headerParameters={"parameters": [{"name": name}]})
    assert outcome.error is not None
    assert outcome.error.message == f'Header name must be a valid HTTP token ["{name}"]'


@pytest.mark.parametrize("version", [1, 4.2])
@pytest.mark.parametrize("name", ["g\u00e4t", "GET, POST", " GET", "GET\r\nX-A: 1", "\U0001f994"])
def test_a_name_that_no_method_can_have_is_told(engine: Engine, address: str, name: str, version: float) -> None:
    parameters = {"url": address + "/echo", "options": {}, "method": name, "requestMethod": name}
    outcome = engine.run(chain(START, node("Ask", "httpRequest", parameters, version)), ports=ports())
    assert outcome.error is not None
    assert outcome.error.message == f'Method must be a valid HTTP token ["{name.upper()}"]'


def test_a_cookie_does_not_go_to_another_host(engine: Engine, address: str) -> None:
    elsewhere = address.replace("127.0.0.1", "localhost")
    headers = {"parameters": [{"name": "Cookie", "value": "sid=1"}]}
    [told] = output_of(
        ask(engine, f"{address}/redirect/1?to={elsewhere}/echo", sendHeaders=True, headerParameters=headers), "Ask"
    )
    assert "cookie" not in told["headers"]


ODD_OPTIONS = [
    {"timeout": ""},
    {"proxy": 5},
    {"batching": None},
    {"batching": {"batch": {"batchSize": "x", "batchInterval": "x"}}},
    {"redirect": {"redirect": {"followRedirects": True, "maxRedirects": "x"}}},
    {"pagination": 5},
    {"pagination": {"pagination": {"paginationMode": "x"}}},
]


@pytest.mark.parametrize("wrong", ["x", True, [], {"a": 1}, "={{ ['a'] }}"])
@pytest.mark.parametrize("version", [1, 4.2])
def test_a_timeout_that_is_no_number_is_told(engine: Engine, address: str, version: float, wrong: Any) -> None:
    asking = node("Ask", "httpRequest", {"url": address + "/echo", "options": {"timeout": wrong}}, version)
    outcome = engine.run(chain(START, asking), ports=ports({}))
    assert "is not a number." in outcome.error.message


def test_a_timeout_is_told_as_it_was_given(engine: Engine, address: str) -> None:
    parameters = {"url": address + "/slow?seconds=20", "options": {"timeout": 2.5}}
    asking = node("Ask", "httpRequest", parameters, 4.2, onError="continueRegularOutput")
    [told] = output_of(engine.run(chain(START, asking), ports=ports({})), "Ask")
    assert told["error"]["message"] == "timeout of 2.5ms exceeded"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "At least one entry"),
        ({"parameters": "x"}, "At least one entry"),
        ({"parameters": {"parameters": [{"type": "x", "name": "p", "value": "1"}]}}, "must be one of: body, headers"),
    ],
)
def test_odd_settings_of_pages_are_told(engine: Engine, address: str, settings: dict[str, Any], said: str) -> None:
    outcome = ask(engine, address + "/echo", options={"pagination": {"pagination": settings}})
    assert said in outcome.error.message


@pytest.mark.parametrize(
    "wrong", ["file", {"response": "file"}, {"response": {"response": "file"}}, {"redirect": "x"}, *ODD_OPTIONS]
)
def test_a_group_of_options_that_is_none_counts_as_empty(engine: Engine, address: str, wrong) -> None:
    asking = node("Ask", "httpRequest", {"url": address + "/echo", "options": wrong}, 4.2)
    [told] = output_of(engine.run(chain(START, asking), ports=ports({})), "Ask")
    assert told["method"] == "GET"
