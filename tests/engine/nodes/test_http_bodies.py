"""What HTTP Request sends, as n8n 2.40.7 sends it: addresses as browsers write them, and bodies as axios does."""

from typing import Any

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node

FORM = "application/x-www-form-urlencoded"
ENCODED_FORM = f"{FORM}; charset=utf-8"


def as_json(text: str) -> dict[str, Any]:
    return {"specifyBody": "json", "jsonBody": text}


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
        ("/a/%2e%2e/echo/./b/.%2E/c", "/echo/c"),
        ("/x/%2e%2e/%2E%2e/../echo/b/%2e", "/echo/b/"),
        ("/echo/a/b/..?x=../y", "/echo/a/?x=../y"),
        ("/echo//../a/..%2fb/%252e%252e/..;/.../c", "/echo/a/..%2fb/%252e%252e/..;/.../c"),
        ("/echo\\a\\..\\b", "/echo/b"),
    ],
)
def test_an_address_is_sent_as_browsers_write_it(engine: Engine, address: str, given: str, path: str) -> None:
    assert asked(engine, address, {"url": address + given})["path"] == path


def test_parameters_join_a_query_that_ends_in_an_ampersand(engine: Engine, address: str) -> None:
    query = {"sendQuery": True, "queryParameters": {"parameters": [{"name": "a", "value": "1"}]}}
    assert asked(engine, address, {"url": f"{address}/echo?x=1&", **query})["path"] == "/echo?x=1&&a=1"


@pytest.mark.parametrize("given", ["[1,2]", '"text"', "={{ [1] }}"])
@pytest.mark.parametrize("part", ["Headers", "Query"])
def test_a_list_or_a_text_is_no_object_with_names(engine: Engine, part: str, given: str) -> None:
    parameters = {f"send{part}": True, f"specify{part}": "json", f"json{part}": given}
    request = node("H", "httpRequest", {"url": "http://127.0.0.1:1", "options": {}, **parameters}, 4.2)
    error = engine.run(chain(START, request)).data["resultData"]["error"]
    assert error["message"].endswith("has to be a JSON object")


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
        (as_json('{"b":1,"10":2,"2":3}'), "application/json", '{"b":1,"10":2,"2":3}'),
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


@pytest.mark.parametrize(
    ("text", "kind", "sent", "body"),
    [
        ('"text"', None, FORM, "text"),
        ('"{\\"a\\":1}"', None, FORM, '{"a":1}'),
        ("=\"{{ 'a b' }}\"", "text/plain", "text/plain", "a b"),
        ('"text"', "application/json", "application/json", '"text"'),
        ('"{\\"a\\":1} "', "application/json", "application/json", '{"a":1}'),
        ('"a=1"', FORM, FORM, "a=1"),
        ("null", None, FORM, ""),
        ("={{ null }}", "text/plain", "text/plain", ""),
        ("null", "application/json", "application/json", "null"),
        ("5", None, "application/json", "5"),
        ("true", "text/plain", "text/plain", "true"),
        ('["x", {"a": 2}]', FORM, FORM, "0=x&1%5Ba%5D=2"),
        ('["x y", null]', ENCODED_FORM, ENCODED_FORM, "0=x+y"),
    ],
)
def test_a_value_that_is_no_object_is_sent_as_axios_does(
    engine: Engine, address: str, text: str, kind: str | None, sent: str, body: str
) -> None:
    headers = {} if kind is None else headed(kind)
    parameters = {"method": "POST", "url": address + "/echo", "sendBody": True, **as_json(text), **headers}
    told = asked(engine, address, parameters)
    assert (told["headers"]["content-type"], told["body"]) == (sent, body)


def test_only_where_bodies_are_usual_a_text_counts_as_a_form(engine: Engine, address: str) -> None:
    parameters = {"method": "DELETE", "url": address + "/echo", "sendBody": True, **as_json('"text"')}
    told = asked(engine, address, parameters)
    assert (told["headers"].get("content-type"), told["body"]) == (None, "text")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=mine"])
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"a \\" q": "x", "b": ["1", 2], "c": null}', [("a %22 q", "x"), ("b", "1"), ("b", "2"), ("c", "null")]),
        ('["x"]', [("0", "x")]),
        ('{"a": {"b": [1]}, "t": true}', [("a", '{"b":[1]}'), ("t", "true")]),
    ],
)
def test_an_object_is_sent_as_the_multipart_form_that_a_header_announces(
    engine: Engine, address: str, kind: str, text: str, parts: list[tuple[str, str]]
) -> None:
    parameters = {"method": "POST", "url": address + "/echo", "sendBody": True, **as_json(text), **headed(kind)}
    told = asked(engine, address, parameters)
    name, _, boundary = told["headers"]["content-type"].partition("; boundary=")
    assert (name, boundary != "mine") == ("multipart/form-data", True)
    written = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in parts
    ]
    assert told["body"] == "".join(written) + f"--{boundary}--\r\n"
