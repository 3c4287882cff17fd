"""HTTP Request with credentials of OAuth: tokens in requests, renewed once where they are refused, and signatures."""

from typing import Any

import pytest

from app.engine.run.credentials import CredentialUnreadable
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.credentials.provider import OAUTH1, Provider
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node


class Held:
    """A credential, and how often its token was renewed."""

    def __init__(self, data: dict[str, Any], *following: str) -> None:
        self.data = data
        self.following = list(following)
        self.refused: list[str] = []

    async def read(self, credential_id: str, kind: str) -> dict[str, Any]:
        return self.data

    async def renew(self, credential_id: str, kind: str, refused: str) -> dict[str, Any]:
        self.refused.append(refused)
        if not self.following:
            raise CredentialUnreadable("needs to be connected again")
        return {**self.data, "oauthTokenData": {"access_token": self.following.pop(0)}}


def ask(
    engine: Engine, url: str, held: Held, kind: str = "oAuth2Api", *, items: Any = None, version: float = 4.2, **more
) -> RunOutcome:
    chosen = {"authentication": "genericCredentialType", "genericAuthType": kind}
    if not kind.startswith("oAuth"):
        chosen = {"authentication": "predefinedCredentialType", "nodeCredentialType": kind}
    asking = node("Ask", "httpRequest", {"url": url, **chosen, **more}, version, credentials={kind: {"id": "c1"}})
    outgoing = Outgoing(AddressRules.parse("127.0.0.1,localhost"))
    ports = Ports(credentials=held.read, renew_credential=held.renew, outgoing=outgoing)
    return engine.run(chain(START, asking), items=items, ports=ports)


def token(text: str, **more: Any) -> dict[str, Any]:
    return {"oauthTokenData": {"access_token": text, **more}}


@pytest.mark.parametrize("version", [2, 3, 4.2])
@pytest.mark.parametrize(
    ("kind", "data", "headers"),
    [
        ("oAuth2Api", token("t"), {"authorization": "Bearer t"}),
        ("oAuth2Api", token("t", token_type="mac"), {"authorization": "Bearer t"}),
        ("googleSheetsOAuth2Api", token("t"), {"authorization": "Bearer t"}),
        ("clickUpOAuth2Api", token("t"), {"authorization": "t"}),
        ("shopifyOAuth2Api", token("t"), {"authorization": "Bearer t", "x-shopify-access-token": "t"}),
        ("slackOAuth2Api", token("bot", authed_user={"access_token": "user"}), {"authorization": "Bearer user"}),
    ],
)
def test_the_token_goes_into_the_request(engine, address: str, kind: str, data, headers, version: float) -> None:
    [told] = output_of(ask(engine, address + "/echo", Held(data), kind, version=version, options={}), "Ask")
    assert told["headers"] | headers == told["headers"]


@pytest.mark.parametrize("version", [1, 4.2])
def test_a_token_that_no_header_takes_stands_in_no_error(engine: Engine, address: str, version: float) -> None:
    more = {"authentication": "oAuth2"} if version == 1 else {}
    outcome = ask(engine, address + "/echo", Held(token("secret\r\nX: y")), version=version, options={}, **more)
    assert outcome.error.message == "Invalid character in header content"
    assert "secret" not in str(outcome.data)


def test_version_1_has_a_name_of_its_own(engine: Engine, address: str) -> None:
    told = output_of(
        ask(engine, address + "/echo", Held(token("t")), version=1, options={}, authentication="oAuth2"), "Ask"
    )
    assert told[0]["headers"]["authorization"] == "Bearer t"


def test_a_token_that_was_refused_is_renewed_once_for_all_items(engine: Engine, provider: Provider) -> None:
    provider.access = {"new"}
    held = Held(token("old"), "new", "newer")
    outcome = ask(engine, provider.url + "/x", held, items=[{"json": {"n": n}} for n in range(5)])
    assert output_of(outcome, "Ask") == [{"ok": True, "path": "/x"}] * 5
    assert held.refused == ["old"]


def test_a_service_account_gets_its_token_where_it_has_none(engine: Engine, provider: Provider) -> None:
    provider.access = {"new"}
    held = Held({"email": "a@b.example", "httpNode": True}, "new")
    assert output_of(ask(engine, provider.url + "/x", held, "googleApi"), "Ask") == [{"ok": True, "path": "/x"}]
    assert held.refused == [""]


def test_a_new_token_that_is_refused_is_the_service_s_answer(engine: Engine, provider: Provider) -> None:
    provider.access = set()
    held = Held(token("old"), "also old", "never")
    outcome = ask(engine, provider.url, held)
    assert outcome.error.message == "Authorization failed - please check your credentials"
    assert held.refused == ["old"]


def test_another_status_may_mean_that_the_token_has_expired(engine: Engine, address: str) -> None:
    held = Held({**token("old"), "tokenExpiredStatusCode": 404}, "new")
    ask(engine, address + "/status/404", held)
    ask(engine, address + "/status/404", unmoved := Held(token("old"), "new"))
    assert (held.refused, unmoved.refused) == (["old"], [])


def test_no_new_token_is_the_node_s_error_and_goes_with_the_item(engine: Engine, provider: Provider) -> None:
    provider.access = set()
    failed = ask(engine, provider.url, Held(token("old")))
    assert failed.error.message == "needs to be connected again"
    assert ask(engine, provider.url, Held({})).error.message == "Unable to sign without access token"
    unknown = ask(engine, provider.url, Held({"clientId": "c"}), "someServiceOAuth2Api")
    assert "are not supported" in unknown.error.message


def test_the_token_stays_with_its_domains_and_its_origin(engine: Engine, provider: Provider, address: str) -> None:
    limited = {**token("t"), "allowedHttpRequestDomains": "domains", "allowedDomains": "example.com"}
    assert "must not be sent to '127.0.0.1'" in ask(engine, address + "/echo", Held(limited)).error.message
    names = {"authorization", "x-shopify-access-token"}
    for target, kept in ((address, names), (address.replace("127.0.0.1", "localhost"), set())):
        moved = ask(engine, f"{address}/redirect/1?to={target}/echo", Held(token("t")), "shopifyOAuth2Api")
        [told] = output_of(moved, "Ask")
        assert names & told["headers"].keys() == kept


@pytest.mark.parametrize(
    "more",
    [
        {"contentType": "form-urlencoded", "bodyParameters": {"parameters": [{"name": "f", "value": "1 + 2 ü"}]}},
        {"contentType": "json", "bodyParameters": {"parameters": [{"name": "f", "value": "1"}]}},
        {"contentType": "raw", "rawContentType": "application/x-www-form-urlencoded", "body": "\x01 no form"},
    ],
)
def test_a_signature_of_oauth_1_is_right(engine: Engine, provider: Provider, more) -> None:
    tokens = {"oauth_token": "a1", "oauth_token_secret": "access secret"}
    query = {"sendQuery": True, "queryParameters": {"parameters": [{"name": "q", "value": "ä b"}]}}
    url = provider.url + "/signed?b=1&a=%20z&f[]=2&f[]=1&f[]&q=it's{x}|%zz;$&oauth_x=1"
    held = Held({**OAUTH1, "oauthTokenData": tokens})
    outcome = ask(engine, url, held, "oAuth1Api", method="POST", sendBody=True, **query, **more)
    assert output_of(outcome, "Ask") == [{"ok": True, "token": "a1"}]
