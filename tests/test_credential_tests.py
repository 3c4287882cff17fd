"""Credentials are tried on real services, as the nodes would use them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.credential_tests import TRIALS, EngineCredentialTests
from app.credentials.testing import CannotTest, Stored, TooManyTests
from app.credentials.tokens import EXPIRES_AT
from app.outgoing.addresses import AddressRules
from tests.credentials.provider import running
from tests.engine.nodes.postbox import postbox  # noqa: F401
from tests.engine.nodes.shop import shop  # noqa: F401

SECRET = "s3cret-key-of-the-api"
HERE = EngineCredentialTests(AddressRules.parse("127.0.0.1"))


@pytest.fixture(scope="module")
def other_server() -> Iterator[str]:
    """A server of n8n's kind, which knows one key and repeats others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("X-N8N-API-KEY", "")
            known = key == SECRET and self.path == "/api/v1/credentials/schema/n8nApi"
            body = json.dumps({} if known else {"message": f"Unauthorized: {key}"}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1"
    server.shutdown()
    server.server_close()


def test_the_api_of_another_server(other_server: str) -> None:
    data = {"baseUrl": f"{other_server}/", "apiKey": SECRET}
    assert HERE.problem("n8nApi", data) is None
    for wrong in ("another-key", "k" * 1_500):
        assert HERE.problem("n8nApi", {**data, "apiKey": wrong}) == "Unauthorized: **hidden**"
    elsewhere = {**data, "allowedHttpRequestDomains": "domains", "allowedDomains": "n8n.example.com"}
    assert "must not be sent to '127.0.0.1'" in (HERE.problem("n8nApi", elsewhere) or "")
    for broken in ("", "ftp://x", "http://", "no address", 5, "http://xn--a.example", "http://127.0.0.1:99999"):
        assert HERE.problem("n8nApi", {**data, "baseUrl": broken})
    assert HERE.problem("n8nApi", {**data, "apiKey": "a\r\nHost: b ☃"})


def test_what_one_project_may_reach_is_tried_for_that_project(other_server: str) -> None:
    port = int(other_server.rpartition(":")[2].partition("/")[0])
    tests = EngineCredentialTests(AddressRules(of_projects=frozenset({("own", "127.0.0.1", port)})))
    data = {"baseUrl": other_server, "apiKey": SECRET}
    assert tests.problem("n8nApi", data, stored=Stored("c1", "own")) is None
    for stored in (Stored("c1", "other"), None):
        assert "are not allowed" in (tests.problem("n8nApi", data, stored=stored) or "")


def test_a_database(shop) -> None:  # noqa: F811
    _, data = shop
    assert HERE.problem("postgres", data) is None
    assert HERE.problem("postgres", {**data, "database": "nothing"})
    assert "refused" in (HERE.problem("postgres", {**data, "port": 1}) or "")


def test_a_mail_server(postbox) -> None:  # noqa: F811
    _, data = postbox
    assert HERE.problem("smtp", {**data, "user": "ann", "password": "s3cret"}) is None
    assert "535" in (HERE.problem("smtp", {**data, "user": "ann", "password": "wrong"}) or "")


@pytest.mark.parametrize("kind", ["n8nApi", "postgres", "smtp"])
def test_a_private_address_is_out_of_reach(kind: str) -> None:
    data = {"host": "127.0.0.1", "port": 1, "baseUrl": "http://127.0.0.1:1"}
    problem = EngineCredentialTests(AddressRules.parse("")).problem(kind, data)
    assert problem is not None
    assert "refused the connection" not in problem


def test_what_nobody_knows_how_to_try() -> None:
    with pytest.raises(CannotTest):
        HERE.problem("httpBasicAuth", {})


def test_oauth_is_connected_or_says_what_to_do() -> None:
    with running() as provider:
        own = provider.data(grantType="clientCredentials")
        assert HERE.problem("oAuth2Api", own) is None
        refused = HERE.problem("oAuth2Api", {**own, "clientSecret": "wrong"})
        assert refused == "The provider refused (HTTP 401): invalid_client"
        assert HERE.problem("oAuth2Api", provider.data()) == "The credential is not connected yet"
        gone = {"access_token": "a", EXPIRES_AT: "1000"}
        assert "connected again" in (HERE.problem("gmailOAuth2", provider.data(oauthTokenData=gone)) or "")
        connected = {**gone, "refresh_token": "r"}
        assert HERE.problem("gmailOAuth2", provider.data(oauthTokenData=connected)) is None
        assert len(provider.asked) == 2
    assert HERE.problem("oAuth1Api", {"oauthTokenData": {"oauth_token": "t"}}) is None
    assert HERE.problem("trelloOAuth1Api", {}) == "The credential is not connected yet"


def test_whoever_tests_slowly_leaves_places_for_others() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    async def slow(data: dict[str, Any], rules: AddressRules) -> None:
        begun.release()
        await asyncio.to_thread(go_on.wait)

    tests = EngineCredentialTests(AddressRules.parse(""))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setitem(TRIALS, "slow", slow)
        waiting = [pool.submit(tests.problem, "slow", {}, "one key") for _ in range(2)]
        for _ in waiting:
            begun.acquire()
        with pytest.raises(TooManyTests):
            tests.problem("slow", {}, "one key")
        assert tests.problem("oAuth1Api", {"oauthTokenData": {"oauth_token": "t"}}, "another") is None
        go_on.set()
        assert [each.result() for each in waiting] == [None, None]
