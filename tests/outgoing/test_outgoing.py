"""Outgoing HTTP stays outside the machine and its neighbours, whatever an address looks like and wherever it leads."""

import asyncio
import ipaddress
import json

import httpcore
import httpx
import pytest

from app.outgoing.addresses import AddressRefused, AddressRules, InvalidAllowList, UnknownHost, out_of_bounds
from app.outgoing.bounds import ResponseTooLarge
from app.outgoing.calls import Call, RedirectFailed, RequestTimedOut, TooManyRedirects
from app.outgoing.client import Outgoing
from app.outgoing.framing import says_where_it_ends
from tests.outgoing.asking import ask


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "localhost", "LOCALHOST.", "0", "0.0.0.0", "[::1]",
        "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[::127.0.0.1]",
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "168.63.129.16", "192.0.0.192",
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    ],
)  # fmt: skip
def test_an_address_inside_is_refused(host: str) -> None:
    with pytest.raises((AddressRefused, httpx.InvalidURL)) as refused:
        ask(f"http://{host}:8080/")
    if isinstance(refused.value, AddressRefused):
        assert "EXECUTIONS_ALLOWED_HOSTS" in str(refused.value)


@pytest.mark.parametrize(
    "network",
    [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/104",
        "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20",
        "4000::/3", "5f00::/16", "8000::/1", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2002:a00::/24",
    ],
)  # fmt: skip
def test_the_first_and_the_last_address_of_each_special_network_is_refused(network: str) -> None:
    parsed = ipaddress.ip_network(network)
    assert out_of_bounds(parsed[0])
    assert out_of_bounds(parsed[-1])


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "2002:808:808::1", "2620:4f:7fff::1"]
)
def test_a_public_address_is_not(host: str) -> None:
    assert out_of_bounds(ipaddress.ip_address(host)) is None


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "{host}", "10.0.0.0/8, {host} ", "::1,127.0.0.1"])
def test_what_the_list_names_is_reached(address: str, allowed: str) -> None:
    host = address.removeprefix("http://")
    assert ask(address + "/object", allowed.format(host=host)).content.startswith(b'{"a"')


@pytest.mark.parametrize("allowed", ["127.0.0.1:1", "127.0.0.2", "localhost", "10.0.0.0/8"])
def test_another_entry_does_not_help(address: str, allowed: str) -> None:
    with pytest.raises(AddressRefused):
        ask(address + "/object", allowed)


@pytest.mark.parametrize("allowed", ["http://x", "a b", "host:port", "10.0.0.0/40"])
def test_an_entry_that_is_none_is_refused(allowed: str) -> None:
    with pytest.raises(InvalidAllowList):
        AddressRules.parse(allowed)


def test_a_redirect_is_checked_like_a_request(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(AddressRefused):
        ask(f"{address}/redirect/1?to=http://127.0.0.2:{port}/object", f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1/", "data:text/plain,x"]
)
def test_a_redirect_leads_to_http_only(address: str, target: str) -> None:
    with pytest.raises((RedirectFailed, httpx.HTTPError, httpx.InvalidURL)):
        ask(f"{address}/redirect/1?to={target}", "127.0.0.1")


@pytest.mark.parametrize("way", ["{}", "{}/redirect/1?to={}"])
@pytest.mark.parametrize("target", ["http://127.0.0.1:99999/", "http://xn--a.example/", "http://[::1]:65536/"])
def test_an_address_that_cannot_be_is_refused(address: str, way: str, target: str) -> None:
    """By what everybody catches; what leads to it may be what a server says."""
    with pytest.raises((UnknownHost, httpx.InvalidURL)):
        ask(target if way == "{}" else way.format(address, target), "127.0.0.1")


def test_a_connection_serves_again_and_a_broken_one_does_not(address: str) -> None:
    async def several() -> list[int]:
        async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
            connections = outgoing._client(True)._transport
            answers = [await outgoing.send(Call("GET", address + "/object")) for _ in range(5)]
            assert len(connections._order) == 1
            with pytest.raises(httpcore.RemoteProtocolError):
                await outgoing.send(Call("GET", address + "/hangup"))
            with pytest.raises(RequestTimedOut):
                await outgoing.send(Call("GET", address + "/slow?seconds=1", timeout=0.1))
            assert len(connections._order) == 0
            answers += await asyncio.gather(*(outgoing.send(Call("GET", address + "/object")) for _ in range(150)))
            assert len(connections._order) <= 100
            return [answer.status for answer in answers]

    assert set(asyncio.run(several())) == {200}


def test_proxies_of_the_environment_are_not_used(address: str, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert ask(address + "/object", "127.0.0.1").status == 200


def test_limits_hold(address: str) -> None:
    with pytest.raises(ResponseTooLarge):
        ask(address + "/big?bytes=200000", "127.0.0.1", largest=100_000)
    sizes: list[int] = []
    ask(address + "/big?bytes=200000", "127.0.0.1", receive=sizes.append)
    assert sum(sizes) == 200_000
    with pytest.raises(RequestTimedOut):
        ask(address + "/slow?seconds=2", "127.0.0.1", timeout=0.2)
    with pytest.raises(TooManyRedirects):
        ask(address + "/redirect/5", "127.0.0.1", max_redirects=3)


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "Transfer-Encoding", "TRANSFER-ENCODING"])
def test_a_workflow_does_not_say_how_long_its_request_is(address: str, name: str) -> None:
    async def once() -> bytes:
        async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
            call = Call("POST", address + "/echo", [(name, "chunked" if "r" in name.lower()[:2] else "3")], b"whole")
            return (await outgoing.send(call)).content

    assert json.loads(asyncio.run(once()))["body"] == "whole"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Connection", "close", False),
        ("connection", "Keep-Alive", False),
        ("Connection", "Content-Length", True),
        (" CONNECTION", "close, X-Own", True),
        ("TE", "trailers", True),
        ("Trailer", "X-Own", True),
        ("X-Connection", "Content-Length", False),
    ],
)
def test_no_proxy_on_the_way_is_told_to_forget_a_header(name: str, value: str, expected: bool) -> None:
    assert says_where_it_ends(name, value) == expected


def test_a_connection_serves_one_project(address: str) -> None:
    async def several() -> list[int]:
        async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
            connections = outgoing._client(True)._transport
            counts = []
            for project in ("alpha", "alpha", "beta", "alpha", "beta"):
                await outgoing.within(project).send(Call("GET", address + "/redirect/1"))
                counts.append(len(connections._order))
            return counts

    assert asyncio.run(several()) == [1, 1, 2, 2, 2]


def test_what_one_project_may_reach_no_other_does(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")

    async def several() -> None:
        async with Outgoing(AddressRules(of_projects=frozenset({("alpha", host, int(port))}))) as outgoing:
            own = outgoing.within("alpha")
            await own.send(Call("GET", address + "/object"))
            for other in (outgoing, outgoing.within("beta"), own.within("beta")):
                with pytest.raises(AddressRefused):
                    await other.send(Call("GET", address + "/object"))
            with pytest.raises(AddressRefused):
                await own.send(Call("GET", f"http://{host}:{int(port) + 1}/"))

    asyncio.run(several())


def test_cookies_are_not_kept(address: str) -> None:
    async def twice() -> bytes:
        async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
            await outgoing.send(Call("GET", address + "/cookie"))
            return (await outgoing.send(Call("GET", address + "/echo"))).content

    assert b"cookie" not in asyncio.run(twice())


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_refusal_says_what_to_allow_as_it_is_allowed(host: str) -> None:
    with pytest.raises(AddressRefused, match=r"name \[::1\]:22 in EXECUTIONS_ALLOWED_HOSTS"):
        asyncio.run(AddressRules.parse("").resolve(host, 22))
    assert asyncio.run(AddressRules.parse("[::1]:22").resolve(host, 22)) == ["::1"]


def test_within_a_project_other_rules_stay_the_same() -> None:
    class Nobody(AddressRules):
        pass

    rules = Nobody(frozenset({("a.example", None)})).within("alpha")
    assert (type(rules), rules.hosts, rules.project) == (Nobody, {("a.example", None)}, "alpha")
