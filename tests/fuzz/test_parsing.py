"""What reads what clients send, called directly and often: it accepts, or refuses with the error it is known for.

`make check-fuzz` tries more than the few dozen examples of every day.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.engine import nodes
from app.http.arrival import Arrival, HeadTooLong
from app.schemas.cursors import Cursor, decode_cursor, encode_cursor
from app.schemas.execution_queries import ExecutionListQuery
from app.schemas.static_data import static_parts
from app.schemas.workflows import (
    RunBody,
    UnusableWorkflow,
    WorkflowBody,
    WorkflowListQuery,
    definition_of,
    items_of,
)
from app.triggers import InvalidTrigger, schedules, webhooks
from app.vocabulary import MODES, STATUSES
from app.workflow_rules import EngineRules
from tests.workflows import node, workflow

often = settings(
    max_examples=int(os.environ.get("FUZZ", "60")),
    deadline=None,
    database=None,
    derandomize="FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
ODD = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e308",
        "NaN",
        "null",
        "true",
        "1" * 40,
        "\0",
        "\ud800",
        "é",
        "../..",
        "__proto__",
        "=",
        "={{ 1 }}",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | ODD
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | ODD, inner, max_size=3)
)


# Cursors and query strings


@often
@given(st.binary(max_size=80) | JSON.map(lambda value: orjson.dumps(value, default=str) if storable(value) else b""))
@example(b'{"lastId":"1","limit":1e400}')
@example(b'{"lastId":"1","limit":20,"status":{"a":[]}}')
def test_a_cursor_is_one_of_ours_or_invalid(raw: bytes) -> None:
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for query in (ExecutionListQuery(), WorkflowListQuery()):
        with suppress(ValidationError):
            query.load({"cursor": text})


@often
@given(st.text(max_size=40) | ODD)
def test_any_text_as_a_cursor(text: str) -> None:
    try:
        decoded = decode_cursor(text)
    except ValidationError:
        return
    assert encode_cursor(decoded) == text.rstrip("=")


PLACES = st.builds(
    Cursor,
    st.integers(1, 2**63 - 1).map(str),
    st.integers(1, 250),
    st.fixed_dictionaries(
        {},
        optional={
            "status": st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3, unique=True),
            "mode": st.lists(st.sampled_from(MODES), min_size=1, max_size=3, unique=True),
            "workflowId": st.lists(st.text('abc-_é"\\', min_size=1, max_size=9), min_size=1, max_size=3, unique=True),
            "startedAfter": st.just("2026-01-01T00:00:00+00:00"),
        },
    ),
)


@often
@given(PLACES)
def test_a_cursor_comes_back_as_it_was_made(place: Cursor) -> None:
    assert decode_cursor(encode_cursor(place)) == place
    query = ExecutionListQuery()
    loaded = query.load({"cursor": encode_cursor(place)})
    assert decode_cursor(query.next_cursor(loaded, place.last_id)) == place


@often
@given(
    st.dictionaries(
        st.sampled_from(sorted(field.data_key for field in ExecutionListQuery().fields.values())) | st.text(max_size=5),
        ODD | st.text(max_size=20) | st.lists(ODD | st.text(max_size=20), max_size=3),
        max_size=4,
    )
)
@example({"startedAfter": "9999-12-31T23:59:59-23:59"})
@example({"startedAfter": "0001-01-01T00:00:00+14:00"})
@example({"lastId": "٣"})
def test_a_query_loads_or_says_what_is_wrong(parameters: dict[str, Any]) -> None:
    with suppress(ValidationError):
        ExecutionListQuery().load(parameters)


# Workflows

TYPES = [(name, version) for name, versions in nodes.load().versions().items() for version in versions]
KEYS = ["path", "httpMethod", "rule", "options", "assignments", "conditions", "operation", "values", "numberInputs"]
NAMES = st.sampled_from(["Start", "A", "B", "é", "", "\0", "__proto__", "x" * 300])
PARAMETERS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=3)
INTERVALS = st.fixed_dictionaries(
    {"field": st.sampled_from(["seconds", "minutes", "hours", "days", "weeks", "months", "cronExpression"]) | JSON},
    optional={
        "minutesInterval": SCALARS,
        "daysInterval": SCALARS,
        "triggerAtHour": SCALARS,
        "triggerAtDay": JSON,
        "expression": SCALARS | st.sampled_from(["* * * * *", "0 0 31 2 *", "*/0 * * * *", "99 * * * *"]),
    },
)
NODES = st.tuples(
    NAMES, st.sampled_from(TYPES), PARAMETERS, st.dictionaries(st.text(max_size=9), JSON, max_size=2)
).map(lambda made: {**made[3], "name": made[0], "type": made[1][0], "typeVersion": made[1][1], "parameters": made[2]})
TRIGGERS = st.tuples(INTERVALS, JSON).map(
    lambda made: node("Due", "scheduleTrigger", {"rule": {"interval": [made[0]]}, "timezone": made[1]}, 1.2)
)
HOOKS = st.dictionaries(st.sampled_from(["path", "httpMethod", "responseMode", "options", "authentication"]), JSON).map(
    lambda parameters: node("Hook", "webhook", parameters, 2)
)
WIRES = st.fixed_dictionaries({"node": NAMES, "type": st.just("main") | ODD, "index": SCALARS}) | JSON
CONNECTIONS = st.dictionaries(
    NAMES, st.dictionaries(st.just("main") | ODD, st.lists(st.lists(WIRES, max_size=2) | JSON, max_size=2) | JSON)
)
WORKFLOWS = st.fixed_dictionaries(
    {"name": NAMES, "nodes": st.lists(NODES | TRIGGERS | HOOKS | JSON, max_size=4), "connections": CONNECTIONS | JSON},
    optional={"settings": JSON, "staticData": JSON, "pinData": JSON, "tags": JSON, "active": JSON},
)


def storable(value: Any) -> bool:
    """Whether it can come from JSON as clients send it."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def of_one(kind: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return workflow([node("T", kind, parameters)], **more)


@often
@given(WORKFLOWS.filter(storable))
@example(of_one("scheduleTrigger", {"rule": {"interval": [{"field": "weeks", "triggerAtDay": [None]}]}}))
@example(of_one("scheduleTrigger", {"rule": {"interval": 7}}))
@example(of_one("scheduleTrigger", {"rule": {"interval": [{"field": ["days"]}]}}, settings={"timezone": ["UTC"]}))
@example(of_one("webhook", {"path": "x", "options": [], "authentication": {}, "httpMethod": {}}))
@example(of_one("webhook", {"path": "x", "responseCode": "9" * 5000}))
def test_a_workflow_is_taken_or_refused(made: dict[str, Any]) -> None:
    document = orjson.loads(orjson.dumps(made))
    try:
        WorkflowBody().load(document)
        definition_of(document), static_parts(document)
    except ValidationError:
        return
    rules = EngineRules(nodes.load())
    try:
        rules.check_graph(document)
    except UnusableWorkflow:
        return
    for check in (
        rules.check_activation,
        lambda it: rules.check_run(it, None),
        lambda it: rules.check_run(it, "A"),
        webhooks.webhooks_of,
        schedules.schedules_of,
    ):
        with suppress(UnusableWorkflow, InvalidTrigger):
            check(document)


@often
@given(JSON.filter(storable))
def test_what_a_run_is_given_is_taken_or_refused(made: Any) -> None:
    try:
        loaded = RunBody().load({"input": made})
    except ValidationError:
        return
    items_of(loaded["input"])


# Requests on their way in

REQUEST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"
BARE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def pieces(text: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return (text[start:end] for start, end in pairwise(places))


@often
@given(st.sampled_from([REQUEST, CHUNKED, BARE]), st.lists(st.integers(0, 200), max_size=8))
def test_a_request_is_complete_with_its_last_byte_however_it_is_cut(text: bytes, cuts: list[int]) -> None:
    arrival, arrived = Arrival(1000), 0
    for piece in pieces(text, cuts):
        assert not arrival.is_ready
        arrival.add(piece)
        arrived += len(piece)
        assert arrival.is_ready == arrival.complete == (arrived == len(text))


@often
@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\r\n\r\n", b"\r\n", b"5\r\n", CHUNKED[:60], REQUEST[:60]])))
def test_whatever_comes_in_is_counted(parts: list[bytes]) -> None:
    arrival = Arrival(100)
    for part in parts:
        arrival.add(part)
    assert arrival.received == sum(len(part) for part in parts)


def test_a_head_without_an_end_is_refused() -> None:
    arrival, line = Arrival(100), b"X: " + b"y" * 1000 + b"\r\n"
    for _ in range(65):
        arrival.add(line)
    with pytest.raises(HeadTooLong):
        arrival.add(line)
