"""What callers send and workflows answer is passed on as text: its objects would take many times its length."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask

from app.api.mcp import parse_message
from app.api.webhooks.answers import TOO_DEEP, TOO_LONG, decode_answer, render_answer
from app.api.webhooks.chat.chat import wanted_session
from tests.api.webhooks.bodies.growth import takes_less_than

MANY = b"[" + b"[]," * 1_000_000 + b"1]"
READERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "parameters of an MCP client": (parse_message, b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":%b}}'),
    "other parts of its message": (parse_message, b'{"jsonrpc":"2.0","id":1,"method":"ping","a":%b}'),
    "its id": (parse_message, b'{"jsonrpc":"2.0","id":%b,"method":"ping"}'),
    "a message of a chat": (wanted_session, b'{"a":"loadPreviousSession","b":%b}'),
    "the session that it names": (wanted_session, b'{"action":"loadPreviousSession","sessionId":%b}'),
    "the action of one": (wanted_session, b'{"a":"loadPreviousSession","action":%b}'),
    "what a workflow answers": (lambda data: orjson.dumps(decode_answer(data)["body"]), b'{"status":200,"body":%b}'),
    "the headers of its answer": (decode_answer, b'{"status":200,"headers":{"a":%b},"body":1}'),
}


@pytest.mark.parametrize("what", READERS)
def test_it_takes_a_few_times_its_length(what: str) -> None:
    read, around = READERS[what]
    assert takes_less_than(8, read, around % MANY)


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1.0", "true", "[]", f'"{"x" * 1_001}"'])
def test_an_id_that_could_not_be_said_again_is_none(number: str) -> None:
    assert parse_message(b'{"jsonrpc":"2.0","id":%b,"method":"ping"}' % number.encode()) is None


def test_an_answer_that_cannot_be_sent_says_so() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert decode_answer(b'{"body":%b}' % deep) is TOO_DEEP
    assert decode_answer(b'{"headers":{"a":"%b"}}' % (b"x" * 2**20)) is TOO_LONG


@pytest.mark.parametrize("body", [b'{"a": [1, null]}', b'"text"', b"null", b"[]", b"1"])
def test_an_answer_is_read_as_it_was_written(body: bytes) -> None:
    with Flask("answers").test_request_context():
        said = render_answer(decode_answer(b'{"status":201,"headers":{"x-a":"b"},"body":%b}' % body))
    assert (said.status_code, said.headers["x-a"]) == (201, "b")
    assert said.get_data() == (b"text" if body == b'"text"' else body)
