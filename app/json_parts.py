"""Writes JSON of much data part by part, and knows before all of it is there how long it is.

One call of orjson holds Python's lock, and every loop and thread with it, until it has written all that it was given.
"""

import io
import json
from collections.abc import Callable
from typing import Any

import orjson

from app import json_sizes, json_strings

DEEPEST = -40
"""So many levels below those, even what is large is written at one go."""
FEW = 2_000
"""Values of a document that is written at one go: to look at its parts would take far longer."""
DEEP_AT_ONCE = 1_000_000
"""Values of what is nested deeply that are written at one go: in parts it takes a hundred times as long."""
AT_ONCE = 1_000
"""Entries of a list or an object that are written at one go, unless they are large. What has no more, like the runs of
a node, is written entry by entry on the upper levels."""


class JsonTooLong(ValueError):
    """The document would be longer than it may be."""


class JsonWriter:
    """Writes one document of at most so many bytes. `weigh`: the characters in the texts of a value, at least, as far
    as they are no more than its second argument."""

    def __init__(self, most: int, weigh: Callable[[Any, int], int]) -> None:
        self._most, self._weigh = most, weigh
        self._made = io.BytesIO()

    def encode(self, data: Any, levels: int, *, small: bool = False) -> bytes:
        """The data as JSON, with text for values that JSON does not know.

        What is below so many levels is written at one go, unless it is large. `small`: the caller knows that there is
        little of it, which costs a look at all values.

        Raises TypeError, ValueError or RecursionError for what cannot be written, and JsonTooLong for too much.
        """
        if not small and json_sizes.is_heavy([data], FEW):
            self._write(data, levels)
        else:
            self._made.write(_dump(data))
            self._count(0)
        return self._made.getvalue()

    def _write(self, value: Any, levels: int) -> None:
        inner = isinstance(value, dict | list) and (levels > 0 or (levels > DEEPEST and json_sizes.is_heavy([value])))
        if inner and isinstance(value, dict) and all(isinstance(name, str) for name in value):
            self._write_slices(list(value.items()), b"{}", levels)
        elif inner and isinstance(value, list):
            self._write_slices(value, b"[]", levels)
        elif isinstance(value, str) and len(value) > json_strings.PART_BYTES:
            self._write_string(value)
        else:
            self._write_part(value)

    def _write_slices(self, entries: list[Any], brackets: bytes, levels: int) -> None:
        self._made.write(brackets[:1])
        step = 1 if levels > 0 and len(entries) <= AT_ONCE else AT_ONCE
        for begin in range(0, len(entries), step):
            self._made.write(b"," * bool(begin))
            self._write_entries(entries[begin : begin + step], brackets, levels)
        self._made.write(brackets[1:])

    def _write_entries(self, entries: list[Any], brackets: bytes, levels: int) -> None:
        """Write entries of a list, or of an object with their names: as many at one go as are not large together."""
        named = brackets == b"{}"
        if len(entries) == 1:
            [entry] = entries
            if named:
                self._write_name(entry[0])
            self._write(entry[1] if named else entry, levels - 1)
        elif _is_heavy_together(entries, named=named):
            middle = len(entries) // 2
            self._write_entries(entries[:middle], brackets, levels)
            self._made.write(b",")
            self._write_entries(entries[middle:], brackets, levels)
        else:
            self._write_part(dict(entries) if named else entries, inner=True)

    def _write_name(self, name: str) -> None:
        if len(name) > json_strings.PART_BYTES:
            self._write_string(name)
        else:
            self._made.write(_dump(name))
        self._made.write(b":")

    def _write_string(self, text: str) -> None:
        self._count(len(text))
        for part in json_strings.write_string(text):
            self._count(len(part))
            self._made.write(part)

    def _write_part(self, value: Any, *, inner: bool = False) -> None:
        """Write at one go, without the brackets around it where it is `inner`."""
        self._count(self._weigh(value, self._most - self._made.tell()))
        written = _dump(value)
        self._count(len(written))
        self._made.write(memoryview(written)[1:-1] if inner else written)

    def _count(self, length: int) -> None:
        if self._made.tell() + length > self._most:
            raise JsonTooLong(f"it takes more than {self._most:,} bytes")


def _is_heavy_together(entries: list[Any], *, named: bool) -> bool:
    if not named:
        return json_sizes.is_heavy(entries)
    names_length = sum([len(name) for name, _ in entries])
    return names_length > json_sizes.WINDOW or json_sizes.is_heavy([value for _, value in entries])


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        # The standard library goes deeper than orjson's 254 levels, and takes integers of any size.
        encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=str)
        if not json_sizes.is_heavy([value], DEEP_AT_ONCE):
            return encoder.encode(value).encode()
        # In parts, between which other threads have their turn; each of them is handed up through all levels.
        return "".join(encoder.iterencode(value)).encode()
