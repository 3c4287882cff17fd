"""JSON as text: checked, and passed on as it came. Its objects would take some twenty times its size in memory."""

import codecs
import itertools
import re
from collections.abc import Iterator

import msgspec
import orjson

from app.api.webhooks.bodies.errors import UnreadableBody

MAX_DEPTH = 200
"""Levels of nesting; what a run keeps wraps some more around them."""
MAX_NUMBER_LENGTH = 400
PIECE_BYTES = PIECE_LENGTH = 64 * 2**10

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [0] * 256
for _opening, _closing in (b"[]", b"{}"):
    _STEP[_opening], _STEP[_closing] = 1, -1
_NUMBER_BYTES = b"+-.0123456789eE"
_LARGE_NUMBER = re.compile(rb"(?<![0-9.eE])[0-9]++(?:(?>\.[0-9]++))?+(?:(?>[eE]\+?[0-9]++))?+")
_MAY_BE_LARGE = re.compile(rb"[0-9]{200}|[eE]\+?[0-9]{3}")
"""Nothing else is beyond 1e308: with an exponent of two digits that takes more than 200 before it."""
_syntax = msgspec.json.Decoder(msgspec.Raw)


def json_text(data: bytes) -> orjson.Fragment:
    """A JSON document in UTF-8 that can stand in another one. Raises UnreadableBody for what readers would refuse."""
    check_utf_8(data)
    check_nesting_and_numbers(data)
    try:
        _syntax.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableBody(str(error)) from None
    return orjson.Fragment(data)


def string_text(text: str, size: int) -> orjson.Fragment:
    """A text that came in `size` bytes as a JSON string.

    Raises UnreadableBody for one that would become much longer: control characters, and bytes that mean nothing in the
    charset. It is no text.
    """
    return orjson.Fragment(b"".join([b'"', *_encoded_pieces(text, 2 * size + 1_024), b'"']))


def _encoded_pieces(text: str, room: int) -> Iterator[bytes]:
    """What stands between the quotes. In pieces: the library reserves several times what it writes of a text."""
    for start in range(0, len(text), PIECE_LENGTH):
        piece = orjson.dumps(text[start : start + PIECE_LENGTH])[1:-1]
        room -= len(piece)
        if room < 0:
            raise UnreadableBody("The text is not in its charset, or holds too many control characters")
        yield piece


def check_utf_8(data: bytes) -> None:
    """Raise UnreadableBody unless the bytes are UTF-8; never holds more than a piece of them as text."""
    if data.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), PIECE_BYTES):
            decoder.decode(data[start : start + PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UnreadableBody("The body is not valid UTF-8") from None


def check_nesting_and_numbers(data: bytes) -> None:
    """Raise UnreadableBody for JSON nested beyond MAX_DEPTH, and for numbers beyond what a double can hold.

    Looks at what stands outside of strings, a piece at a time; what it makes of a text that is no JSON does not matter.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    inside = depth = 0
    number = b""
    for start in range(0, len(data), PIECE_BYTES):
        parts = data[start : start + PIECE_BYTES].split(b'"')
        outside = b'"'.join(parts[inside::2])
        inside ^= (len(parts) - 1) & 1
        depth = _depth_after(outside, depth)
        number = _number_left_over(number + outside)


def _depth_after(outside: bytes, depth: int) -> int:
    brackets = outside.translate(None, _NOT_BRACKETS)
    opened = brackets.count(b"[") + brackets.count(b"{")
    if depth + opened > MAX_DEPTH:
        highest = max(itertools.accumulate(map(_STEP.__getitem__, brackets), initial=depth))
        if highest > MAX_DEPTH:
            raise UnreadableBody(f"The JSON is nested more than {MAX_DEPTH} levels deep")
    return depth + 2 * opened - len(brackets)


def _number_left_over(outside: bytes) -> bytes:
    """Checks the numbers; returns the beginning of one that may go on in the next piece."""
    if _MAY_BE_LARGE.search(outside):
        for match in _LARGE_NUMBER.finditer(outside):
            if float(match[0]) == float("inf"):
                raise UnreadableBody("The JSON holds a number that is too large")
    left_over = outside[len(outside.rstrip(_NUMBER_BYTES)) :]
    if len(left_over) > MAX_NUMBER_LENGTH:
        raise UnreadableBody(f"The JSON holds a number of more than {MAX_NUMBER_LENGTH} digits")
    return left_over
