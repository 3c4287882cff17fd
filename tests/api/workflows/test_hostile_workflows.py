"""Workflows that nobody sends in good faith: each is stored or refused with a sentence, never with a 5xx."""

import copy
import json
from typing import Any

import pytest

from tests.api.conftest import NO_OP, WORKFLOW
from tests.workflows import chain, code, no_op


def raw(**changes: Any) -> bytes:
    return json.dumps({**copy.deepcopy(WORKFLOW), **changes}).encode()


def to(*names: Any) -> dict[str, Any]:
    return {"main": [[{"node": name, "type": "main", "index": 0} for name in names]]}


def nodes(number: int) -> list[dict[str, Any]]:
    return [{**NO_OP, "id": str(n), "name": f"Node {n}"} for n in range(number)]


def deep(depth: int) -> bytes:
    return raw(settings={"executionOrder": "v1", "deep": "HERE"}).replace(b'"HERE"', b"[" * depth + b"]" * depth)


def number(text: bytes) -> bytes:
    return raw(nodes=[WORKFLOW["nodes"][0], {**NO_OP, "parameters": {"n": "HERE"}}]).replace(b'"HERE"', text)


HOSTILE = {
    "a cycle": raw(connections={"Start": to("Nothing"), "Nothing": to("Nothing", "Start")}),
    "a connection to itself": raw(connections={"Start": to("Start")}),
    "10,000 nodes": raw(nodes=[WORKFLOW["nodes"][0], *nodes(10_000)], connections={}),
    "a connection to nothing": raw(connections={"Start": to("No such node"), "Neither": to("Start")}),
    "connections of another shape": raw(connections={"Start": {"main": [None, [None], {}, 7, [[[]]]]}}),
    "an output at two thousand million": raw(
        connections={"Start": {"main": [[{"node": "Nothing", "type": "main", "index": 2**31}]]}}
    ),
    "depth 1,000": deep(1_000),
    "depth 100,000": deep(100_000),
    "a huge name": raw(name="x" * 1_000_000),
    "a node's huge name": raw(nodes=[{**WORKFLOW["nodes"][0], "name": "x" * 1_000_000}], connections={}),
    "NUL": raw(name="a\0b"),
    "NUL in a node": raw(nodes=[{**WORKFLOW["nodes"][0], "name": "a\0b", "type": "\0"}], connections={}),
    "a lone surrogate": raw(name="\ud800"),
    "a lone surrogate in a parameter": raw(nodes=[{**NO_OP, "parameters": {"x": "\udfff"}}], connections={}),
    "beyond double precision": number(b"123456789012345678901234567890"),
    "beyond every double": number(b"1e400"),
    "not a number": number(b"NaN"),
    "duplicate ids": raw(nodes=[WORKFLOW["nodes"][0], {**NO_OP, "id": "1"}]),
    "duplicate names": raw(nodes=[WORKFLOW["nodes"][0], {**NO_OP, "name": "Start"}]),
    "__proto__": raw(
        nodes=[{**WORKFLOW["nodes"][0], "name": "__proto__", "parameters": {"__proto__": {"constructor": 1}}}],
        connections={"__proto__": to("__proto__")},
    ),
    "nodes that are none": raw(nodes=[None, 1, [], "x", {}]),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_it_is_stored_or_refused_and_the_api_goes_on(api, body: bytes) -> None:
    answer = api.call("POST", "/api/v1/workflows", data=body, content_type="application/json")
    assert answer.status_code in (200, 400, 413), answer.text[:500]
    if answer.status_code == 200:
        workflow_id = answer.json["id"]
        assert api.get(f"/workflows/{workflow_id}").status_code == 200
        for path in ("run", "activate"):
            assert api.post(f"/workflows/{workflow_id}/{path}").status_code in (200, 400), path
        assert api.get("/workflows").status_code == 200
    else:
        assert answer.json["message"]
        assert len(answer.data) < 10_000


@pytest.mark.parametrize("place", ["parameters", "pinData", "settings"])
def test_the_character_nul_is_refused(api, place) -> None:
    body = chain(no_op())
    (body["nodes"][0][place] if place == "parameters" else body.setdefault(place, {}))["a"] = "x\\\0"
    answer = api.post("/workflows", body)
    assert (answer.status_code, "NUL" in answer.json["message"]) == (400, True)


def test_a_text_that_only_looks_like_nul_is_kept(api) -> None:
    body = chain(code("return '\\u0000' + '\\\\u0000'"))
    answer = api.post("/workflows", body)
    assert answer.status_code == 200
    assert answer.json["nodes"][-1]["parameters"] == body["nodes"][-1]["parameters"]


def test_static_data_has_no_more_parts_than_a_workflow(api) -> None:
    body = {**chain(no_op()), "staticData": {f"node:{number}": {} for number in range(1_001)}}
    answer = api.post("/workflows", body)
    assert (answer.status_code, answer.json["message"]) == (400, "staticData: Must not have more than 1,000 entries.")
