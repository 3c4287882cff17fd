"""HTTP Request with credentials: how each proves who asks, and where it must not go."""

import json

import pytest

from app.engine.nodes.http_request import predefined
from tests.engine.nodes.asking import ask, ports
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node


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


@pytest.mark.parametrize("url", ["http://\u246027.0.0.1/", "http://\u2100.example/"])
def test_what_is_no_address_is_none_of_its_domains(engine: Engine, url: str) -> None:
    held = {"token": "t0ken", "allowedHttpRequestDomains": "domains", "allowedDomains": "127.0.0.1"}
    assert ask(engine, url, held, "httpBearerAuth").error.message == "Invalid URL"


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
