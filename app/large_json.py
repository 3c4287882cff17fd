"""Reads JSON of millions of values, or of long strings, in slices: one call of orjson holds Python's lock, and every
loop and thread with it, until it has read the whole text. What is small is read at once."""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import orjson

from app import json_strings

AT_ONCE = 300_000
"""So many values take orjson about 0.1 seconds of a processor."""
BYTES_OF_ONE = 50
"""So many bytes of a string take as long as a value, at the most."""
MANY = 10_000
"""So many values are worth a thread, as a text of WINDOW characters is."""
MAX_LEVELS = 16
"""One around the other, of which each holds more than that."""
_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
WINDOW = 2**20
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [0] * 256
for _opening, _closing in (b"[]", b"{}"):
    _STEP[_opening], _STEP[_closing] = 1, -1
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WHOLE = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""All that is complete: it ends before a string that does not end."""
_WIDE_BYTES = tuple(bytes((first,)) for first in range(0xF0, 0xF5))
_WIDE_ESCAPES = tuple(rf"\u{d}{digit}".encode() for d in "dD" for digit in "89abAB")
_WIDE_STRING = re.compile(
    rb'(?:[^"]++|"(?:[^"\\\xf0-\xf4]++|\\(?!u[dD][89abAB]).)*+")*+("(?:[^"\\]++|\\.)*+")', re.DOTALL
)
_BACKSLASH = ord("\\")
LOOKS, FEW_LOOKS, LOOK_BYTES = 64, 4, 2**10
"""Places of a text that are looked at for its names, in one of less than a MiB, and the length of each."""
_COLON = re.compile(rb'"\s*+:')
_BLANKS = re.compile(rb"\s*+")


def is_large(text: bytes) -> bool:
    """Whether it may hold more than is read at once; signs in strings count as if they stood outside."""
    return len(text) > AT_ONCE and _weight(text, 0, len(text)) > AT_ONCE


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
    return (_STRING.sub(b"", piece) for piece in _pieces(text) if len(piece) <= WINDOW)


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
    """How much more than their UTF-8 the strings of JSON take in Python because one sign beyond 16 bits is in them."""
    if not _has_wide_signs(text):
        return 0
    more = 0
    for piece in _pieces(text):
        if len(piece) > WINDOW:
            more += _more_bytes(piece) if _has_wide_signs(piece) else 0
            continue
        match = _WIDE_STRING.match(piece)
        while match is not None:
            more += _more_bytes(match[1])
            match = _WIDE_STRING.match(piece, match.end())
    return more


def size_of_text(text: bytes) -> int:
    """The bytes that UTF-8 takes as a text of Python: each sign as many as the widest."""
    if text.isascii():
        return len(text)
    width = 4 if any(_holds(text, sign) for sign in _WIDE_BYTES) else 2
    return width * _signs(text)


def _has_wide_signs(text: bytes) -> bool:
    """Whether there is one, as UTF-8 or escaped; most texts have no escape at all, which one look tells."""
    if any(_holds(text, sign) for sign in _WIDE_BYTES):
        return True
    return _holds(text, b"\\u") and any(_holds(text, sign) for sign in _WIDE_ESCAPES)


def _holds(text: bytes, sign: bytes) -> bool:
    """Whether the sign is in the text, which other threads do not wait for however long it is."""
    return any(text.find(sign, begin, begin + WINDOW + len(sign)) >= 0 for begin in range(0, len(text), WINDOW))


def _more_bytes(string: bytes) -> int:
    return max(0, 4 * _signs(string) - len(string))


def _signs(string: bytes) -> int:
    """How many characters UTF-8 spells."""
    parts = range(0, len(string), WINDOW)
    return sum([len(string[begin : begin + WINDOW].translate(None, json_strings.INNER_BYTES)) for begin in parts])


def _pieces(text: bytes) -> Iterator[bytes]:
    """The text in pieces that cut no string in two, so that other threads have their turn between them."""
    begin = 0
    while begin < len(text):
        match = _WHOLE.match(text, begin, begin + WINDOW)
        end = match.end() if match is not None and match.end() > begin else json_strings.end_of_string(text, begin)
        yield text[begin:end]
        begin = end


def read(text: bytes, level: int = 0) -> Any:
    """The value, as orjson.loads gives it; to be called in a thread where it is large. Raises orjson.JSONDecodeError,
    also for large values in large values in more than MAX_LEVELS."""
    text = text.strip(b" \t\r\n")
    opening, closing = text[:1], text[-1:]
    if opening == closing == b'"' and len(text) > json_strings.PART_BYTES:
        return json_strings.read_string(text)
    if not is_large(text) or opening not in (b"[", b"{") or closing not in (b"]", b"}"):
        return orjson.loads(text)
    if level > MAX_LEVELS:
        if _count(text, 0, len(text)) <= AT_ONCE:
            return orjson.loads(text)
        raise orjson.JSONDecodeError("too much in too many levels", "", 0)
    made: Any = [] if opening == b"[" else {}
    value: Any
    # What is read is let go of: each level would hold a copy of a text that all of them are around.
    slices = _slices(text)[::-1]
    del text
    while slices:
        part, alone = slices.pop()
        if not part.strip(b" \t\r\n"):
            raise orjson.JSONDecodeError("a comma that parts nothing", "", 0)
        large = alone and is_large(part)
        if large and opening == b"[":
            inner = [part]
            del part
            value = [read(inner.pop(), level + 1)]
        elif large and (field := _split_field(part)) is not None:
            name, inner = read(field[0]), [part[field[1] :]]
            del part, field
            value = {name: read(inner.pop(), level + 1)}
        else:
            value = orjson.loads(opening + part + closing)
        if isinstance(made, list):
            made += value
        else:
            made.update(value)
    if closing != (b"]" if opening == b"[" else b"}"):
        raise orjson.JSONDecodeError("an end of something else", "", 0)
    return made


def _split_field(part: bytes) -> tuple[bytes, int] | None:
    """The name of a field, with its quotes, and where its value begins; None where there is none."""
    begin = _BLANKS.match(part).end()  # type: ignore[union-attr]
    if part[begin : begin + 1] != b'"':
        return None
    end = json_strings.end_of_string(part, begin)
    colon = _BLANKS.match(part, end).end()  # type: ignore[union-attr]
    return (part[begin:end], colon + 1) if part[colon : colon + 1] == b":" else None


def _slices(text: bytes) -> list[tuple[bytes, bool]]:
    """The entries of a list or an object, about as many together as may be read at once, and whether one is alone that
    is large. The commas between two slices are left out."""
    slices: list[tuple[bytes, bool]] = []
    begin, values, alone = 1, 0, False  # of the slice; `alone`: no comma ends its first entry, which is large
    windows: list[_Window] = []  # of the slice, as far as they may hold such commas
    for window in _windows(text, 1, len(text) - 1):
        values += window.values
        if window.may_part:
            windows.append(window)
        if alone and (commas := _commas(text, window, begin)):
            slices.append((text[begin : commas[0]], True))
            begin, alone = commas[0] + 1, False
            values = _weight(text, begin, window.end)
        if values <= AT_ONCE or alone:
            continue
        after = 0  # values in the windows behind
        while windows and not (commas := _commas(text, windows[-1], begin)):
            windows.pop()
        if windows:
            slices.append((text[begin : commas[-1]], False))
            begin = commas[-1] + 1
            after = _weight(text, begin, window.end)
        values, windows, alone = after, [window] * bool(windows), after > AT_ONCE or not windows
    return [*slices, (text[begin:-1], alone)]


class _Window(NamedTuple):
    """A part of a text that cuts no string in two. `depth`: how many containers are open before it. `values`: its
    weight. `may_part`: it may hold a comma that stands in none of these."""

    begin: int
    end: int
    depth: int
    values: int
    may_part: bool


def _windows(text: bytes, begin: int, end: int) -> Iterator[_Window]:
    """The text as windows, each looked through by a few calls: a step for each value would take a hundred times as
    long."""
    depth, size = 0, 4 + AT_ONCE // 100  # so slices have hardly more values than they may
    while begin < end:
        match = _WHOLE.match(text, begin, min(begin + size, end))
        stop = match.end() if match is not None else begin
        if stop == begin:  # a long string, or one that does not end
            stop = min(json_strings.end_of_string(text, begin), end)
            yield _Window(begin, stop, depth, (stop - begin) // BYTES_OF_ONE, False)
            begin = stop
            continue
        outside = _STRING.sub(b"", text[begin:stop])
        brackets = outside.translate(None, _NOT_BRACKETS)
        opened = brackets.count(b"[") + brackets.count(b"{")
        commas = outside.count(b",")
        lowest = depth
        if depth > 0 and len(brackets) - opened >= depth:
            lowest = min(accumulate(map(_STEP.__getitem__, brackets), initial=depth))
        weight = commas + opened + (stop - begin) // BYTES_OF_ONE
        yield _Window(begin, stop, depth, weight, commas > 0 and lowest <= 0)
        depth += 2 * opened - len(brackets)
        begin = stop


def _commas(text: bytes, window: _Window, begin: int) -> list[int]:
    """Where in a window, from `begin` on, the first and the last comma stands that is in no container; none: []."""
    if not window.may_part:
        return []
    depth, first, last = window.depth, -1, -1
    for mark in _MARK.finditer(text, window.begin, window.end):
        sign = mark[0]
        if sign == b",":
            if not depth and mark.start() >= begin:
                last = mark.start()
                first = last if first < 0 else first
        elif sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
    return [] if first < 0 else [first, last]


def _weight(text: bytes, begin: int, end: int) -> int:
    """How many values take as long to read as this part of a text, about."""
    return _count(text, begin, end) + (end - begin) // BYTES_OF_ONE


def _count(text: bytes, begin: int, end: int) -> int:
    """Looked through window by window: other threads have their turn between them."""
    total = 0
    while begin < end:
        stop = min(begin + WINDOW, end)
        total += text.count(b",", begin, stop) + text.count(b"[", begin, stop) + text.count(b"{", begin, stop)
        begin = stop
    return total
