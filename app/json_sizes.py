"""How much JSON holds, told without reading it: of a text from its bytes, of values without writing them.

Other threads have their turn between two parts of a text, however long it is.
"""

import random
import re
from collections.abc import Iterator, Sequence
from operator import methodcaller
from sys import getsizeof
from typing import Any

from app import json_strings

MANY = 10_000
"""So many values are worth a thread, as a text of WINDOW characters is."""
WINDOW = json_strings.WINDOW
"""Bytes of a text, or characters of one, that are looked through at once."""
STRING = re.compile(rb'"(?:(?>[^"\\]++|\\.))*+"', re.DOTALL)
WHOLE = re.compile(rb'(?:(?>[^"]++|"(?:(?>[^"\\]++|\\.))*+"))*+', re.DOTALL)
"""All that is complete: it ends before a string that does not end."""
_BEYOND_LATIN = re.compile(rb"[\xc4-\xff]|\\u(?!00)")
_BEYOND_16_BITS = re.compile(rb"[\xf0-\xff]|\\u[dD][89abAB]")
_decode = methodcaller("decode", "utf-8", "replace")
_HEADER = getsizeof("ÿ") - 1
"""What a text beyond ASCII takes beside its characters."""
_BACKSLASH = ord("\\")
ESCAPE = json_strings.ESCAPE_BYTES
LOOKS, FEW_LOOKS, LOOK_BYTES = 64, 4, 2**10
"""Places of a text that are looked at for its names, in one of less than a MiB, and the length of each."""
_COLON = re.compile(rb'"\s*+:')


def is_heavy(values: Sequence[Any], many: int = MANY) -> bool:
    """Whether JSON values hold so much that to write or to weigh them takes more than some milliseconds: so many
    values, or a WINDOW of text."""
    characters, seen = 0, len(values)
    containers: list[Any] = [values]
    for container in containers:  # which grows meanwhile
        for value in container.values() if container.__class__ is dict else container:
            kind = value.__class__  # isinstance would take half as long again, for every node that runs
            if kind is str:
                characters += len(value)
            elif value and (kind is dict or kind is list):
                seen += len(value)
                if seen >= many:
                    return True
                containers.append(value)
        if characters >= WINDOW:
            return True
    return False


def outside_of_strings(text: bytes) -> Iterator[bytes]:
    """What stands outside of the strings of JSON, piece by piece: the strings may be millions."""
    # A piece beyond a window is one string: to look through it at once would keep all other threads waiting.
    return (STRING.sub(b"", piece) for piece in _pieces(text) if len(piece) <= WINDOW)


def share_of_new_names(text: bytes | str) -> float:
    """About how many of the values of JSON are fields whose name stands nowhere else in it, from 0 to 1.

    Told from a few places, which nobody knows before.
    """
    looks = LOOKS if len(text) > WINDOW else FEW_LOOKS
    if len(text) <= looks * LOOK_BYTES:
        begins, length = [0], len(text)
    else:
        begins, length = [random.randrange(len(text) - LOOK_BYTES) for _ in range(looks)], LOOK_BYTES
    seen: dict[bytes, int] = {}
    values = 0
    for begin in begins:
        part = text[begin : begin + length]
        window = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        values += window.count(b",") + window.count(b"{")
        for name in _names(window):
            seen[name] = seen.get(name, 0) + 1
    once = len(seen) if len(begins) == 1 else sum(count == 1 for count in seen.values())
    return min(1.0, once / max(1, values))


def _names(window: bytes) -> set[bytes]:
    """The names of fields in a part of JSON, of the first one maybe only its end."""
    pieces = _COLON.split(window)
    pieces.pop()
    if b"\\" in window:
        return set(map(_name_at_end, pieces))
    return {piece[piece.rfind(b'"') + 1 :] for piece in pieces}


def _name_at_end(piece: bytes) -> bytes:
    """The name, or the end of one, that stands behind the last quote that no backslash escapes."""
    end = piece.rfind(b'"')
    while end > 0 and piece[end - 1] == _BACKSLASH:
        end = piece.rfind(b'"', 0, end)
    return piece[end + 1 :]


def bytes_of_wide_strings(text: bytes) -> int:
    """What the strings of JSON that are not ASCII take in Python beside their UTF-8, which stays with each of them from
    when it is first written as JSON."""
    if text.isascii() and not (_holds(text, b"\\") and _holds(text, b"\\u")):  # the first look is fast
        return 0
    total = 0
    for piece in (text,) if len(text) <= WINDOW else _pieces(text):
        if len(piece) > WINDOW:
            total += _bytes_of_signs([piece])
        elif b"\\u" in piece:
            strings = _strings(piece)
            total += _bytes_of_signs([string for string in strings if not string.isascii() or b"\\u" in string])
        elif not piece.isascii():
            wide = [string for string in _strings(piece) if not string.isascii()]
            total += sum(map(getsizeof, map(_decode, wide))) - _HEADER * len(wide)
    return total


def _strings(piece: bytes) -> list[bytes]:
    """What stands between quotes. Where a backslash is escaped, or a quote, other signs stand for both."""
    if b"\\" in piece:
        piece = piece.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return piece.split(b'"')[1::2]


def size_of_text(text: bytes) -> int:
    """The bytes that UTF-8 takes as a text of Python: each sign as many as the widest, and the UTF-8 beside them."""
    if text.isascii():
        return len(text)
    return len(text) + _bytes_of_signs([text])


def _bytes_of_signs(strings: list[bytes]) -> int:
    """What strings beyond ASCII take beside their UTF-8: for each sign one byte, two, or four, as the widest does."""
    total = _signs(b"".join(strings))
    for wide in (_BEYOND_LATIN, _BEYOND_16_BITS):
        strings = [string for string in strings if _finds(wide, string)]
        total += _signs(b"".join(strings)) * (1 if wide is _BEYOND_LATIN else 2)
    return total


def _holds(text: bytes, sign: bytes) -> bool:
    """Whether the sign is in the text, which other threads do not wait for however long it is."""
    return any(text.find(sign, begin, begin + WINDOW + len(sign)) >= 0 for begin in range(0, len(text), WINDOW))


def _finds(wide: re.Pattern[bytes], text: bytes) -> bool:
    if len(text) <= WINDOW:
        return wide.search(text) is not None
    return any(wide.search(text, begin, begin + WINDOW + ESCAPE) for begin in range(0, len(text), WINDOW))


def _signs(text: bytes) -> int:
    """How many characters UTF-8 spells, with escapes or without."""
    total = 0
    for begin in range(0, len(text), WINDOW):
        part = text[begin : begin + WINDOW]
        total += len(part.translate(None, json_strings.INNER_BYTES))
        total -= (ESCAPE - 1) * (part.count(b"\\u") - part.count(b"\\\\u"))
    return total


def _pieces(text: bytes) -> Iterator[bytes]:
    """The text in pieces that cut no string in two, so that other threads have their turn between them."""
    begin = 0
    while begin < len(text):
        match = WHOLE.match(text, begin, begin + WINDOW)
        end = match.end() if match is not None and match.end() > begin else json_strings.end_of_string(text, begin)
        yield text[begin:end]
        begin = end
