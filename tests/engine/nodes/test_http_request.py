"""HTTP Request beyond the recorded cases: credentials, interruption, many items, and what must not get out."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from app.engine.nodes.http_request import predefined
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome, RunRequest, run_workflow
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.nodes import far_side
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with far_side.running() as url:
        yield url


def ports(credential: dict[str, Any] | None = None) -> Ports:
    async def read(credential_id: str, kind: str) -> dict[str, Any] | None:
        return credential

    return Ports(credentials=read, outgoing=Outgoing(AddressRules.parse("127.0.0.1,localhost")))


def ask(
    engine: Engine,
    url: str,
    credential: dict[str, Any] | None = None,
    kind: str = "",
    *,
    items: list[Any] | None = None,
    **parameters: Any,
) -> RunOutcome:
    more: dict[str, Any] = {}
    if kind:
        more["credentials"] = {kind: {"id": "c1", "name": "Service"}}
        parameters |= {"authentication": "genericCredentialType", "genericAuthType": kind}
    request = node("Ask", "httpRequest", {"url": url, **parameters}, 4.2, **more)
    return engine.run(chain(START, request), items=items, ports=ports(credential))


@pytest.mark.parametrize(
    ("kind", "credential", "seen"),
    [
        ("httpBasicAuth", {"user": "ann", "password": "secret"}, {"authorization": "Basic YW5uOnNlY3JldA=="}),
        ("httpBearerAuth", {"token": "t0ken"}, {"authorization": "Bearer t0ken"}),
        ("httpHeaderAuth", {"name": "X-Key", "value": "k3y"}, {"x-key": "k3y"}),
        ("httpCustomAuth", {"json": '{"headers": {"X-One": "1"}, "qs": {"q": 2}}'}, {"x-one": "1"}),
    ],
)
@pytest.mark.parametrize("version", [2, 3, 4.2])
def test_a_credential_proves_who_asks(
    engine: Engine, address: str, kind: str, credential, seen, version: float
) -> None:
    request = {
        "url": address + "/echo",
        "authentication": "genericCredentialType",
        "genericAuthType": kind,
        "options": {},
    }
    asking = node("Ask", "httpRequest", request, version, credentials={kind: {"id": "c1"}})
    [told] = output_of(engine.run(chain(START, asking), ports=ports(credential)), "Ask")
    assert told["headers"] | seen == told["headers"]
    if kind == "httpCustomAuth":
        assert told["path"] == "/echo?q=2"


@pytest.mark.parametrize(("kind", "name"), [("httpBasicAuth", "basicAuth"), ("httpHeaderAuth", "headerAuth")])
def test_version_1_has_names_of_its_own(engine: Engine, address: str, kind: str, name: str) -> None:
    request = {"url": address + "/echo", "authentication": name, "options": {}}
    asking = node("Ask", "httpRequest", request, 1, credentials={kind: {"id": "c1"}})
    held = {"user": "ann", "password": "secret", "name": "X-Key", "value": "k3y"}
    [told] = output_of(engine.run(chain(START, asking), ports=ports(held)), "Ask")
    assert {"authorization", "x-key"} & set(told["headers"])


def test_a_credential_in_the_query(engine: Engine, address: str) -> None:
    [told] = output_of(ask(engine, address + "/echo", {"name": "key", "value": "a b"}, "httpQueryAuth"), "Ask")
    assert told["path"] == "/echo?key=a%20b"


def test_digest_answers_the_server_s_challenge(engine: Engine, address: str) -> None:
    outcome = ask(engine, address + "/digest", {"user": "ann", "password": "secret"}, "httpDigestAuth")
    assert output_of(outcome, "Ask") == [{"open": True}]


@pytest.mark.parametrize(
    ("kind", "credential", "headers", "path"),
    [
        ("githubApi", {"accessToken": "t"}, {"authorization": "token t"}, "/echo"),
        ("airtableApi", {"apiKey": "k"}, {}, "/echo?api_key=k"),
        ("jiraSoftwareCloudApi", {"email": "a", "apiToken": "b"}, {"authorization": "Basic YTpi"}, "/echo"),
        ("slackApi", {"accessToken": "{apiKey}", "apiKey": "no"}, {"authorization": "Bearer {apiKey}"}, "/echo"),
    ],
)
def test_services_are_called_with_credentials_of_their_own_types(
    engine: Engine, address: str, kind: str, credential, headers, path: str
) -> None:
    chosen = {"authentication": "predefinedCredentialType", "nodeCredentialType": kind}
    asking = node("Ask", "httpRequest", {"url": address + "/echo", **chosen}, 4.2, credentials={kind: {"id": "c1"}})
    [told] = output_of(engine.run(chain(START, asking), ports=ports(credential)), "Ask")
    assert told["headers"] | headers == told["headers"]
    assert told["path"] == path


@pytest.mark.parametrize(
    ("kind", "credential", "headers"),
    [
        ("openAiApi", {"apiKey": "k", "header": False, "headerName": "x"}, {"Authorization": "Bearer k"}),
        (
            "openAiApi",
            {"apiKey": "k", "organizationId": "o", "header": True, "headerName": "X-More", "headerValue": "m"},
            {"Authorization": "Bearer k", "OpenAI-Organization": "o", "X-More": "m"},
        ),
        ("anthropicApi", {"apiKey": "k"}, {"x-api-key": "k"}),
        ("notionApi", {"apiKey": "k"}, {"Authorization": "Bearer k"}),
        ("n8nApi", {"apiKey": "k", "baseUrl": "http://x"}, {"X-N8N-API-KEY": "k"}),
        ("supabaseApi", {"serviceRole": "r"}, {"apikey": "r", "Authorization": "Bearer r"}),
    ],
)
def test_what_a_credential_of_a_service_adds(kind: str, credential, headers) -> None:
    assert predefined.parts(kind, credential)["headers"] == headers


def test_a_credential_that_is_gone_is_told_by_its_id(engine: Engine, address: str) -> None:
    outcome = ask(engine, address + "/echo", None, "httpBasicAuth")
    assert outcome.error.message == 'Credential with ID "c1" does not exist for type "httpBasicAuth".'


def test_a_type_that_is_not_supported_is_told(engine: Engine, address: str) -> None:
    outcome = ask(engine, address + "/echo", {}, "slackOAuth2Api")
    assert "slackOAuth2Api" in outcome.error.message
    assert "httpBearerAuth" in outcome.error.message


@pytest.mark.parametrize(
    ("domains", "allowed"), [("127.0.0.1", True), ("*.example.com, 127.0.0.1", True), ("b.example", False), ("", False)]
)
def test_a_credential_goes_to_its_domains_only(engine: Engine, address: str, domains: str, allowed: bool) -> None:
    held = {"token": "t0ken", "allowedHttpRequestDomains": "domains", "allowedDomains": domains}
    outcome = ask(engine, address + "/echo", held, "httpBearerAuth")
    assert (outcome.status == "success") is allowed
    assert "t0ken" not in json.dumps(outcome.data["resultData"].get("error", ""))


@pytest.mark.parametrize("kind", ["httpBearerAuth", "httpHeaderAuth", "httpBasicAuth"])
def test_a_redirect_to_another_server_takes_no_credential_along(engine: Engine, address: str, kind: str) -> None:
    elsewhere = address.replace("127.0.0.1", "localhost") + "/echo"
    held = {"token": "s3cret", "name": "X-Key", "value": "s3cret", "user": "s3cret", "password": "s3cret"}
    [told] = output_of(ask(engine, f"{address}/redirect/1?to={elsewhere}", held, kind), "Ask")
    assert not {"authorization", "x-key"} & set(told["headers"])


def test_a_failure_s_record_holds_no_secret(engine: Engine, address: str) -> None:
    for path in ("/error-object", "/hangup", "/status/401"):
        outcome = ask(engine, address + path, {"name": "X-Key", "value": "very-secret"}, "httpHeaderAuth")
        assert outcome.status == "error"
        assert "very-secret" not in json.dumps(outcome.data)


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


def test_a_cookie_does_not_go_to_another_host(engine: Engine, address: str) -> None:
    elsewhere = address.replace("127.0.0.1", "localhost")
    headers = {"parameters": [{"name": "Cookie", "value": "sid=1"}]}
    [told] = output_of(
        ask(engine, f"{address}/redirect/1?to={elsewhere}/echo", sendHeaders=True, headerParameters=headers), "Ask"
    )
    assert "cookie" not in told["headers"]


ODD_OPTIONS = [
    {"timeout": "x"},
    {"proxy": 5},
    {"batching": None},
    {"batching": {"batch": {"batchSize": "x", "batchInterval": "x"}}},
    {"redirect": {"redirect": {"followRedirects": True, "maxRedirects": "x"}}},
    {"pagination": 5},
    {"pagination": {"pagination": {"paginationMode": "x"}}},
]


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
