"""A member of a JSON object, and the file in a text, taken out of pieces without holding the rest. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

import orjson

from app.console.large_items import QUOTE, end_of_text

MOST_SIGNS = 2**20
"""Brackets, texts and, between members, commas and colons that are looked at before a member."""
LONGEST_NAME = 4 * 1024
AT_THE_TOP = re.compile(rb'["{}\[\],:]')
BELOW = re.compile(rb'["{}\[\]]')


class TooMuch(Exception):
    """There is too much before or in what is looked for."""


class BrokenFile(Exception):
    """The text of a file is not Base64."""


def member(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The JSON of an object's member, piece by piece; nothing where there is none. Raises TooMuch."""
    depth = signs = 0
    key = bytearray()
    is_wanted = is_value = in_text = is_escaped = False
    for piece in pieces:
        at = since = 0
        while at < len(piece):
            if in_text:
                end, in_text, is_escaped = step_in_text(piece, at, is_escaped)
                if depth == 1 and not is_value and in_text and len(key) <= LONGEST_NAME:
                    key += piece[at:end]
                at = end
                continue
            found = (AT_THE_TOP if depth == 1 else BELOW).search(piece, at)
            if found is None:
                break
            sign, at, signs = found[0], found.end(), signs + 1
            if signs > MOST_SIGNS:
                raise TooMuch
            in_text = sign == b'"'
            if sign in (b"{", b"["):
                depth += 1
            elif sign == b":":
                is_value, is_wanted = True, is_name(bytes(key), name)
                since = at
            elif not in_text:
                depth -= sign != b","
                if is_wanted and (depth == 0 or sign == b","):
                    yield piece[since : found.start()]
                    return
                if sign == b",":
                    is_value = False
                    key.clear()
        if is_wanted:
            yield piece[since:]


def step_in_text(piece: bytes, at: int, is_escaped: bool) -> tuple[int, bool, bool]:
    """How far a text goes on in a piece at once, whether it goes on behind that, and whether with half an escape."""
    if is_escaped:
        return at + 1, True, False
    if piece[at] == QUOTE:
        return at + 1, False, False
    end = end_of_text(piece, at)
    return (at + 1, True, True) if end == at else (end, True, False)


def is_name(key: bytes, name: str) -> bool:
    """Whether the JSON within the quotes of a key is this name."""
    try:
        return len(key) <= LONGEST_NAME and bool(orjson.loads(b'"' + key + b'"') == name)
    except orjson.JSONDecodeError:
        return False


def decode_text(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What a JSON text of Base64 holds, piece by piece. Raises BrokenFile."""
    left, is_over = b"", False
    for piece in pieces:
        text = (left + piece).strip(b'"').replace(b"\\/", b"/")
        size = (len(text) - text.endswith(b"\\")) // 4 * 4
        if size:
            yield decode(text[:size], is_over)
            is_over = b"=" in text[:size]
        left = text[size:]
    if left:
        yield decode(left, is_over)


def decode(text: bytes, is_over: bool) -> bytes:
    """The bytes of some Base64. Raises BrokenFile, also where it was over before."""
    try:
        if is_over:
            raise BrokenFile
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BrokenFile from None
