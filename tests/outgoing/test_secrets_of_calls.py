"""The secrets of a call reach the origin that they were meant for, and no other."""

import asyncio
import json

import httpx
import pytest

from app.outgoing.addresses import AddressRules, UnknownHost
from app.outgoing.calls import Call, SecretRefused
from app.outgoing.client import Outgoing
from tests.outgoing.asking import ask


def test_secrets_stay_with_the_origin_that_they_were_meant_for(address: str) -> None:
    other = address.replace("127.0.0.1", "localhost")
    call = {"headers": [("X-Key", "secret"), ("X-One", "1")], "secret_headers": frozenset({"x-key"})}
    elsewhere = ask(f"{address}/redirect/1?to={other}/echo", "127.0.0.1,localhost", **call).content
    assert b"secret" not in elsewhere
    assert b"x-one" in elsewhere
    assert b"secret" in ask(f"{address}/redirect/1", "127.0.0.1", **call).content


def test_secrets_stay_within_their_domains_whatever_is_shared(address: str) -> None:
    other = address.replace("127.0.0.1", "localhost")
    call = {
        "headers": [("X-Key", "secret")],
        "secret_headers": frozenset({"x-key"}),
        "auth": httpx.BasicAuth("ann", "secret"),
        "share_secrets": True,
    }
    both, url = "127.0.0.1,localhost", f"{address}/redirect/1?to={other}/echo"
    shared = json.loads(ask(url, both, **call).content)["headers"]
    assert {"x-key", "authorization"} <= shared.keys()
    for domains in (("127.0.0.1",), ("127.0.0.1", "b.example"), ("127.0.0.1", "*.localhost")):
        kept = json.loads(ask(url, both, secret_domains=domains, **call).content)["headers"]
        assert not {"x-key", "authorization"} & kept.keys()
    within = json.loads(ask(url, both, secret_domains=("127.0.0.1", "localhost"), **call).content)["headers"]
    assert {"x-key", "authorization"} <= within.keys()


@pytest.mark.parametrize("name", ["Host", "HOST"])
@pytest.mark.parametrize(
    "host", ["e.example", "e.example:80", "127.0.0.1.e.example", "127.0.0.1@e.example", "127.0.0.1,e.example", "", " "]
)
def test_the_host_that_a_workflow_names_is_one_of_them(address: str, name: str, host: str) -> None:
    """Many sites of different people may be behind one address: which of them answers is told by the header."""
    call = {"headers": [("X-Key", "secret"), (name, host)], "secret_headers": frozenset({"x-key"})}
    with pytest.raises(SecretRefused):
        ask(f"{address}/echo", "127.0.0.1", secret_domains=("127.0.0.1", "*.b.example"), **call)
    for within in ("127.0.0.1:99", "a.B.example"):
        fine = {**call, "headers": [("X-Key", "secret"), (name, within)]}
        said = json.loads(
            ask(f"{address}/echo", "127.0.0.1", secret_domains=("127.0.0.1", "*.b.example"), **fine).content
        )
        assert said["headers"]["x-key"] == "secret"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://[::1]/", "::1"),
        ("http://[::1]:81/", "::1"),
        ("http://b\u00fccher.example/", "b\u00fccher.example"),
        ("http://b.example./", "b.example"),
    ],
)
def test_the_host_that_a_request_names_itself_is_the_one_of_its_address(url: str, domain: str) -> None:
    request = httpx.Request("GET", url)
    Call("GET", url, secret_domains=(domain,)).require_host(request.headers["host"], request.url)
    with pytest.raises(SecretRefused):
        Call("GET", url, secret_domains=("c.example",)).require_host(request.headers["host"], request.url)


def test_a_proxy_is_one_of_the_domains_that_a_credential_may_be_sent_to(address: str) -> None:
    with pytest.raises(SecretRefused, match=r"p\.example"):
        ask(address, "127.0.0.1", proxy="http://p.example:1", secret_domains=("127.0.0.1",))
    with pytest.raises(SecretRefused):
        ask(address, "127.0.0.1", proxy="http://127.0.0.1@p.example:1", secret_domains=("127.0.0.1",))
    with pytest.raises(UnknownHost):
        ask(address, "127.0.0.1", proxy="http://p.invalid:1", secret_domains=("127.0.0.1", "p.invalid"))


def test_a_body_with_a_secret_does_not_follow_to_another_origin(address: str) -> None:
    other = address.replace("127.0.0.1", "localhost")
    url, both = f"{address}/redirect/1?code=307&to={other}/echo", "127.0.0.1,localhost"

    async def once(**call) -> bytes:
        async with Outgoing(AddressRules.parse(both)) as outgoing:
            return (await outgoing.send(Call("POST", url, content=b"s3cret", **call))).content

    with pytest.raises(SecretRefused, match="localhost"):
        asyncio.run(once(secret_body=True))
    with pytest.raises(SecretRefused, match="localhost"):
        asyncio.run(once(secret_body=True, share_secrets=True, secret_domains=("127.0.0.1",)))
    assert b"s3cret" in asyncio.run(once(secret_body=True, share_secrets=True))
    assert b"s3cret" in asyncio.run(once())
