"""The cursor's text: what goes in comes out, and nothing else is taken."""

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schemas.cursors import MAX_LENGTH, Cursor, InvalidCursor, decode_cursor, encode_cursor

names = st.text(st.characters(codec="utf-8"), max_size=20)
filters = st.dictionaries(
    names.filter(lambda name: name not in ("lastId", "limit")), names | st.lists(names, max_size=4), max_size=4
)
cursors = st.builds(Cursor, last_id=names, limit=st.integers(1, 250), filters=filters)


def text_of(document: object) -> str:
    compact = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(compact).rstrip(b"=").decode()


@given(cursors)
def test_a_cursor_survives_its_text(cursor):
    text = encode_cursor(cursor)
    assert decode_cursor(text) == cursor
    assert "=" not in text


@given(cursors)
def test_padding_is_accepted(cursor):
    text = encode_cursor(cursor)
    assert decode_cursor(text + "=" * (-len(text) % 4)) == cursor


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_refused_and_nothing_worse_happens(text):
    try:
        decoded = decode_cursor(text)
    except InvalidCursor:
        return
    assert encode_cursor(decoded) == text.rstrip("=")


@given(cursors, st.data())
def test_a_changed_character_never_gives_the_same_cursor(cursor, data):
    text = encode_cursor(cursor)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:place] + data.draw(st.sampled_from("Ab9-_.=+ ").filter(lambda c: c != text[place])) + text[place + 1 :]
    )
    with contextlib.suppress(InvalidCursor):
        assert decode_cursor(changed) != cursor


def test_it_is_what_the_documentation_shows():
    assert encode_cursor(Cursor("exec_123", 20)) == "eyJsYXN0SWQiOiJleGVjXzEyMyIsImxpbWl0IjoyMH0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "====",
        "!!!!",
        "abc",
        text_of([]),
        text_of(None),
        text_of({}),
        text_of({"lastId": "1"}),
        text_of({"limit": 1}),
        text_of({"lastId": 1, "limit": 1}),
        text_of({"lastId": "1", "limit": "1"}),
        text_of({"lastId": "1", "limit": True}),
        text_of({"lastId": "1", "limit": 1.0}),
        text_of({"limit": 1, "lastId": "1"}),
        text_of(b'{"lastId": "1","limit":1}'),
        text_of(b'{"lastId":"0","lastId":"1","limit":1}'),
        text_of(b'{"lastId":"1","limit":1}\n'),
        text_of(b'{"lastId":"1","limit":1,"x":' + b"[" * 300 + b"]" * 300 + b"}"),
        text_of({"lastId": "1" * MAX_LENGTH, "limit": 1}),
        text_of({"lastId": "1", "limit": 1}) + "===",
        " " + text_of({"lastId": "1", "limit": 1}),
    ],
)
def test_near_misses(text):
    with pytest.raises(InvalidCursor, match="An invalid cursor was provided"):
        decode_cursor(text)


@pytest.mark.parametrize(
    "cursor",
    [
        "abc",
        "eyJsYXN0SWQiOiJleGVjXzEyMyIsImxpbWl0IjoyMH0",
        encode_cursor(Cursor("1", 0)),
        encode_cursor(Cursor("1", 251)),
        encode_cursor(Cursor("0", 20)),
        encode_cursor(Cursor("1", 20, {"nothing": "x"})),
        encode_cursor(Cursor("1", 20, {"status": ["foo"]})),
        encode_cursor(Cursor("1", 20, {"status": "error"})),
        encode_cursor(Cursor("1", 20, {"includeData": True})),
        encode_cursor(Cursor("1", 20, {"startedAfter": 7})),
        encode_cursor(Cursor("1", 20, {"metadataValue": "x"})),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(api, cursor):
    response = api.get(f"/executions?cursor={cursor}")
    assert response.status_code == 400
    assert response.json == {"message": "An invalid cursor was provided"}
