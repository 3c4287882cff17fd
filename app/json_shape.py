"""The shape of a large JSON text: a shorter one with the same lists and objects, whose places are known in the whole.

A call of C code that goes through hundreds of megabytes keeps all other threads waiting until it is through. Who only
looks for where lists and objects begin and end reads the shape.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

WINDOW = 2**20
"""Bytes that are looked through at once."""
AT_ONCE = 4 * WINDOW
"""Bytes of a text that is its own shape."""
LONG = 256
"""Bytes of a string that is left out, unless it names a field."""
FLAT = 2**16
"""Bytes of values without a list or an object among them, of which the first and the last are kept."""
_BRACKETS = b"[]{}"
_CHUNK = re.compile(rb'[\[\]{}]*+((?:(?>[^\[\]{}"]++|"[^"]*+"))*+)')
_BEGIN = re.compile(rb'(?:(?>[^\[\]{}",]++|"[^"]*+"))*+(?=,)')
_ENTRIES = re.compile(rb'(?:(?>,(?:(?>[^\[\]{}",]++|"[^"]*+"))++(?=[,\]}])))++')

Span = tuple[int, int]


class JsonShape:
    """`text`: the JSON without what is `LONG` or `FLAT` in it. Nothing is left out of a small one."""

    def __init__(self, whole: bytes) -> None:
        self.whole = memoryview(whole)
        parts, kept = [], [0]
        left_out, end = [0], 0
        for first, last in _left_out(whole) if len(whole) > AT_ONCE else ():
            parts.append(self.whole[end:first])
            kept.append(first - end)
            left_out.append(last - first)
            end = last
        self.text = b"".join([*parts, self.whole[end:]]) if parts else whole
        self._cuts, self._left_out = list(accumulate(kept))[1:], list(accumulate(left_out))

    def place(self, place: int) -> int:
        """Where in the whole a value begins, or ends, that does so at a place of `text`."""
        return place + self._left_out[bisect_right(self._cuts, place - 1)]

    def is_whole(self, begin: int, end: int) -> bool:
        """Whether nothing is left out between two places of `text`."""
        return bisect_right(self._cuts, begin - 1) == bisect_right(self._cuts, end - 1)


def _left_out(text: bytes) -> Iterator[Span]:
    begin = 0
    while begin < len(text):
        window = _mask(text[begin : begin + WINDOW])
        # What follows the window tells whether a string at its end is a name: it is kept where nobody knows.
        end = window.rfind(b'"') if window.count(b'"') % 2 else len(window)
        if end:
            yield from ((begin + first, begin + last) for first, last in _spans(window[:end]))
            begin += end
            continue
        end = _end_of_string(text, begin + 1)
        if end < len(text) and text[end : end + 1] != b":":
            yield begin + 1, end - 1
        begin = end


def _mask(part: bytes) -> bytes:
    """Without escaped quotes. The part begins with no half of an escape."""
    return part.replace(rb"\\", b"__").replace(rb"\"", b"__") if b"\\" in part else part


def _end_of_string(text: bytes, place: int) -> int:
    """Where the string ends that goes on at this place; the end of the text, where it does not."""
    while place < len(text):
        part = _mask(text[place : place + WINDOW])
        end = part.find(b'"')
        if end >= 0:
            return place + end + 1
        place += len(part) - (len(part) > 1 and part.endswith(b"\\"))
    return len(text)


def _spans(window: bytes) -> Iterator[Span]:
    """What is left out of a part of a text that cuts no string in two and has no escaped quotes."""
    end = 0
    for first, last in _flat_spans(window):
        yield from _long_strings(window[end:first], end)
        yield first, last
        end = last
    yield from _long_strings(window[end:], end)


def _flat_spans(window: bytes) -> Iterator[Span]:
    if sum([window.count(bracket) for bracket in _BRACKETS]) * LONG > len(window):
        return
    for chunk in _CHUNK.finditer(window):
        if chunk.end() - chunk.start() > FLAT and (begin := _BEGIN.match(window, chunk.start(1))):
            entries = _ENTRIES.match(window, begin.end())
            if entries and entries.end() - entries.start() > FLAT:
                yield entries.span()


def _long_strings(part: bytes, begin: int) -> Iterator[Span]:
    if part.count(b'"') * LONG > 2 * len(part):
        return  # most are short
    pieces = part.split(b'"')
    for number, piece in enumerate(pieces):
        if number % 2 and len(piece) > LONG and not pieces[number + 1].startswith(b":") and pieces[number + 1]:
            yield begin, begin + len(piece)
        begin += len(piece) + 1
