"""Reads JSON of millions of values, or of long strings, in slices: one call of orjson holds Python's lock, and every
loop and thread with it, until it has read the whole text. What is small is read at once."""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import orjson

from app import json_strings
from app.json_sizes import STRING, WHOLE, WINDOW

AT_ONCE = 300_000
"""So many values take orjson about 0.1 seconds of a processor."""
BYTES_OF_ONE = 50
"""So many bytes of a string take as long as a value, at the most."""
MAX_LEVELS = 16
"""One around the other, of which each holds more than that."""
_MARK = re.compile(rb'"(?:(?>[^"\\]++|\\.))*+"|[\[\]{},]', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [0] * 256
for _opening, _closing in (b"[]", b"{}"):
    _STEP[_opening], _STEP[_closing] = 1, -1
_BLANKS = re.compile(rb"\s*+")


def is_large(text: bytes) -> bool:
    """Whether it may hold more than is read at once; signs in strings count as if they stood outside."""
    return len(text) > AT_ONCE and _weight(text, 0, len(text)) > AT_ONCE


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
    # What is read is let go of: each level would hold a copy of a text that all of them are around.
    slices = _slices(text)[::-1]
    del text
    while slices:
        value = _read_slice(slices, opening, closing, level)
        if isinstance(made, list):
            made += value
        else:
            made.update(value)
    if closing != (b"]" if opening == b"[" else b"}"):
        raise orjson.JSONDecodeError("an end of something else", "", 0)
    return made


def _read_slice(slices: list[tuple[bytes, bool]], opening: bytes, closing: bytes, level: int) -> Any:
    """The last slice, which is taken away, as a list or an object of its own."""
    part, alone = slices.pop()
    if not part.strip(b" \t\r\n"):
        raise orjson.JSONDecodeError("a comma that parts nothing", "", 0)
    large = alone and is_large(part)
    if large and opening == b"[":
        inner = [part]
        del part
        return [read(inner.pop(), level + 1)]
    if large and (field := _split_field(part)) is not None:
        name, inner = read(field[0]), [part[field[1] :]]
        del part, field
        return {name: read(inner.pop(), level + 1)}
    return orjson.loads(opening + part + closing)


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
        match = WHOLE.match(text, begin, min(begin + size, end))
        stop = match.end() if match is not None else begin
        if stop == begin:  # a long string, or one that does not end
            stop = min(json_strings.end_of_string(text, begin), end)
            yield _Window(begin, stop, depth, (stop - begin) // BYTES_OF_ONE, False)
            begin = stop
            continue
        outside = STRING.sub(b"", text[begin:stop])
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
