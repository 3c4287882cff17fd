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
_DIGITS_ARE_0 = bytes.maketrans(b"123456789abcdefABCDEF", b"0" * 21)
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


def bytes_of_wide_strings(text: bytes | str) -> int:
    """What the strings of JSON that are not ASCII take in Python beside their UTF-8, which stays with each of them from
    when it is first written as JSON. Of what is no JSON, some number that is not below 0."""
    if text.isascii() and not (_holds(text, "\\") and _holds(text, "\\u")):  # the first look is fast
        return 0
    total, inside = 0, False
    signs = width = 0  # of a string that began in an earlier window
    for window in _encoded_windows(text):
        parts = _split_at_quotes(window)
        strings = parts[0 if inside else 1 :: 2]
        if inside:
            signs, width = signs + _signs(strings[0]), max(width, _width(strings[0]))
            if len(parts) > 1:
                total += signs * width
                signs = width = 0
                del strings[0]
        if len(parts) > 1:
            inside ^= len(parts) % 2 == 0
            if inside:
                signs, width = _signs(strings[-1]), _width(strings.pop())
        elif inside:
            continue
        total += _bytes_of_signs(strings, b"\\u" in window)
    return total + signs * width


def _encoded_windows(text: bytes | str) -> Iterator[bytes]:
    """The UTF-8 of JSON in windows that cut no escape in two, so that other threads have their turn between them."""
    rest = b""
    for begin in range(0, len(text), WINDOW):
        part = text[begin : begin + WINDOW]
        window = rest + (part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
        whole = json_strings.whole_escapes(window) if begin + WINDOW < len(text) else len(window)
        yield window[:whole]
        rest = window[whole:]


def _split_at_quotes(window: bytes) -> list[bytes]:
    """Where a backslash is escaped, or a quote, other signs stand for both."""
    if b"\\" in window:
        window = window.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return window.split(b'"')


def _bytes_of_signs(strings: list[bytes], escaped: bool) -> int:
    """What those of the strings that are not ASCII, or spell signs with escapes, take beside their UTF-8."""
    if not escaped:
        strings = [string for string in strings if not string.isascii()]
        return sum(map(getsizeof, map(_decode, strings))) - _HEADER * len(strings)
    strings = [string for string in strings if not string.isascii() or b"\\u" in string]
    total = _signs(b"".join(strings))
    for wide in (_BEYOND_LATIN, _BEYOND_16_BITS):
        strings = [string for string in strings if wide.search(string)]
        total += _signs(b"".join(strings)) * (1 if wide is _BEYOND_LATIN else 2)
    return total


def _width(string: bytes) -> int:
    """The bytes that each sign of a string takes in Python beside the UTF-8; 0 where it is ASCII, which is both."""
    if _BEYOND_LATIN.search(string):
        return 4 if _BEYOND_16_BITS.search(string) else 2
    return 0 if string.isascii() and b"\\u" not in string else 1


def _holds(text: bytes | str, sign: str) -> bool:
    """Whether the sign is in the text, which other threads do not wait for however long it is."""
    sought: Any = sign if isinstance(text, str) else sign.encode()
    if len(text) <= WINDOW:
        return sought in text
    return any(text.find(sought, begin, begin + WINDOW + len(sign)) >= 0 for begin in range(0, len(text), WINDOW))


def _signs(text: bytes) -> int:
    """How many characters the UTF-8 of a part of JSON spells, with escapes or without; never below 0, whatever it is:
    only what is an escape counts as one."""
    spelt = text.translate(_DIGITS_ARE_0, json_strings.INNER_BYTES)
    return len(spelt) - (ESCAPE - 1) * (spelt.count(b"\\u0000") - spelt.count(b"\\\\u0000"))


def _pieces(text: bytes) -> Iterator[bytes]:
    """The text in pieces that cut no string in two, so that other threads have their turn between them."""
    begin = 0
    while begin < len(text):
        match = WHOLE.match(text, begin, begin + WINDOW)
        end = match.end() if match is not None and match.end() > begin else json_strings.end_of_string(text, begin)
        yield text[begin:end]
        begin = end
