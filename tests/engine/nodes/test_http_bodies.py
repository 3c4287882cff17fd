"""What HTTP Request sends, as n8n 2.40.7 sends it: addresses as browsers write them, and bodies as axios does."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.nodes import far_side
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node

FORM = "application/x-www-form-urlencoded"
ENCODED_FORM = f"{FORM}; charset=utf-8"


def as_json(text: str) -> dict[str, Any]:
    return {"specifyBody": "json", "jsonBody": text}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with far_side.running() as running:
        yield running


def asked(engine: Engine, address: str, parameters: dict[str, Any]) -> dict[str, Any]:
    ports = Ports(outgoing=Outgoing(AddressRules.parse(address.removeprefix("http://"))))
    request = node("H", "httpRequest", {"options": {}, **parameters}, 4.2)
    document = {**chain(START, request), "pinData": {"Start": [{"json": {"a": 1}}]}}
    [answer] = output_of(engine.run(document, mode="test", start_node="Start", ports=ports), "H")
    return answer


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (
            '/echo/{x}/a b|c^d`e"<f>\\g?q={1}&r=[2]&s=%zz&t=ü#f',
            "/echo/%7Bx%7D/a%20b|c%5Ed%60e%22%3Cf%3E/g?q={1}&r=[2]&s=%zz&t=%C3%BC",
        ),
        ("/echo?x=a|b^c`d\"e<f>g'h&w=%7B&p=a b+c\\", "/echo?x=a|b^c`d%22e%3Cf%3Eg%27h&w=%7B&p=a%20b+c\\"),
        ("/ec\nho\t?a\r\n=1", "/echo?a=1"),
        ("\\echo\\x", "/echo/x"),
        ("/echo?", "/echo"),
    ],
)
def test_an_address_is_sent_as_browsers_write_it(engine: Engine, address: str, given: str, path: str) -> None:
    assert asked(engine, address, {"url": address + given})["path"] == path


def test_parameters_join_a_query_that_ends_in_an_ampersand(engine: Engine, address: str) -> None:
    query = {"sendQuery": True, "queryParameters": {"parameters": [{"name": "a", "value": "1"}]}}
    assert asked(engine, address, {"url": f"{address}/echo?x=1&", **query})["path"] == "/echo?x=1&&a=1"


def headed(kind: str) -> dict[str, Any]:
    return {"sendHeaders": True, "headerParameters": {"parameters": [{"name": "Content-Type", "value": kind}]}}


def raw(kind: str, body: Any) -> dict[str, Any]:
    return {"contentType": "raw", "rawContentType": kind, "body": body}


@pytest.mark.parametrize(
    ("parameters", "kind", "body"),
    [
        (raw("application/json", '{\n "a": 1.0 }\n\n'), "application/json", '{\n "a": 1.0 }'),
        (raw("application/json", "{a:1} "), "application/json", '"{a:1} "'),
        (raw("application/json", ""), "application/json", '""'),
        (raw("application/json", "={{ $json.nope }}"), "application/json", ""),
        (raw("application/vnd.api+json", ' {"a":1} '), "application/vnd.api+json", ' {"a":1} '),
        ({"contentType": "raw", "body": " x"}, "", " x"),
        ({**raw("text/plain", "x"), **headed("text/other")}, "text/plain", "x"),
        (
            as_json('{"a": 1.0, "b": [1.5, 1e3]}\n'),
            "application/json",
            '{"a":1,"b":[1.5,1000]}',
        ),
        (
            {**as_json('{"a":"x y","b":{"c":[1]},"n":null}'), **headed(FORM)},
            FORM,
            "a=x%20y&b%5Bc%5D%5B0%5D=1&n=",
        ),
        (
            {**as_json('{"a":"x y","n":null}'), **headed(ENCODED_FORM)},
            ENCODED_FORM,
            "a=x+y",
        ),
    ],
)
def test_a_body_is_sent_as_axios_does(
    engine: Engine, address: str, parameters: dict[str, Any], kind: str, body: str
) -> None:
    answer = asked(engine, address, {"url": f"{address}/echo", "method": "POST", "sendBody": True, **parameters})
    assert (answer["headers"].get("content-type"), answer["body"]) == (kind, body)


@pytest.mark.parametrize("send", ["true", "={{ true }}", "=true", None])
def test_a_body_is_sent_only_where_the_node_says_so(engine: Engine, address: str, send: str | None) -> None:
    fields = {"bodyParameters": {"parameters": [{"name": "a", "value": 1}]}}
    answer = asked(engine, address, {"url": f"{address}/echo", "method": "POST", "sendBody": send, **fields})
    assert answer["body"] == ""
