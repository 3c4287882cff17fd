"""Long strings of JSON, read and written part by part: one call of orjson holds Python's lock until it is through."""

import json
import re
from collections.abc import Iterator

import orjson

WINDOW = 2**20
"""Bytes that are looked through at once."""
PART_BYTES = 4 * WINDOW
"""Of a string that is read or written at once."""
ESCAPE_BYTES = 6
"""Of the longest escape that spells one unit of UTF-16."""
INNER_BYTES = bytes(range(0x80, 0xC0))
"""Of UTF-8: all but the first of a sign."""
_BACKSLASH = ord("\\")
_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB]")


def end_of_string(text: bytes, begin: int) -> int:
    """Where a string ends that is longer than a window; of one that does not end, the end of the text."""
    inner = begin + 1
    while inner < len(text):
        end = text.find(b'"', inner, inner + WINDOW)
        if end == inner or (end > inner and text[end - 1] != _BACKSLASH):
            return end + 1
        part = text[inner : inner + WINDOW]
        length = whole_escapes(part) or len(part)
        if end >= 0:
            end = part[:length].replace(b"\\\\", b"__").replace(b'\\"', b"__").find(b'"')
            if end >= 0:
                return inner + end + 1
        inner += length
    return len(text)


def whole_escapes(part: bytes) -> int:
    """How much of a part of a string, from its beginning on, cuts no escape in two, nor a pair of them that spells one
    sign."""
    for _ in range(3):  # half of an escape, the second of a pair: more stand only where halves of pairs are alone
        begin = part.rfind(b"\\", max(0, len(part) - ESCAPE_BYTES))
        if begin < 0 or (begin + 1 - len(part[: begin + 1].rstrip(b"\\"))) % 2 == 0:
            break
        if _is_whole(part[begin:]):
            break
        part = part[:begin]
    return len(part)


def _is_whole(escape: bytes) -> bool:
    """Whether it is an escape, not a part of one or of a pair, with what follows it."""
    if escape[1:2] == b"u":
        return len(escape) == ESCAPE_BYTES and _HIGH_SURROGATE.match(escape) is None
    return len(escape) > 1


def write_string(text: str) -> Iterator[bytes]:
    """The JSON of a text, part by part; other threads have their turn between them."""
    yield b'"'
    for begin in range(0, len(text), PART_BYTES // 4):
        part = text[begin : begin + PART_BYTES // 4]
        try:
            yield orjson.dumps(part)[1:-1]
        except TypeError:  # lone surrogates
            yield json.dumps(part)[1:-1].encode()
    yield b'"'


def read_string(text: bytes) -> str:
    """A string of JSON with the quotes around it, part by part. Raises orjson.JSONDecodeError."""
    parts, begin, end = [], 1, len(text) - 1
    while begin < end:
        stop = min(begin + PART_BYTES, end)
        while begin < stop < end and text[stop] in INNER_BYTES:
            stop -= 1
        length = whole_escapes(text[begin:stop]) if stop < end else stop - begin
        if not length:
            raise orjson.JSONDecodeError("a string with half a sign", "", 0)
        parts.append(orjson.loads(b'"' + text[begin : begin + length] + b'"'))
        begin += length
    return "".join(parts)
