"""Run data as n8n stores it: JSON made flat, in which every object and text stands once and is named by its place.

The document is a JSON array. Entry 0 is the root; within objects and arrays a string is the index of another entry,
and everything else is itself.
"""

import json
from typing import Any

import orjson

MAX_DEPTH = 200
"""Levels: what is deeper could not be encoded again."""

PUNCTUATION = 4
"""About what a value takes beside its own characters, in characters; also a number, true, false or null."""

TOO_LARGE = "it comes to more than can be stored when what it shares is written out"

INDEXES = {str(index): index for index in range(1_000)}
"""Most references are to one of the first entries, and to look them up is quicker than to check and convert them."""

UNDER_WAY = object()

CIRCULAR = "[Circular Reference]"
"""What stands where an object would contain itself, as n8n's API writes it."""


class UnreadableFlatted(Exception):
    """The text is not what n8n writes, or comes to more than can be stored; the message says which."""


def unflatten(text: str | bytes, *, most_size: int) -> Any:
    """The document that was made flat. What n8n shares between places is shared in it, so it is not to be changed.

    `most_size`: about how many characters it may come to when it is written out, so that a small text with much
    sharing cannot fill the memory. Raises UnreadableFlatted.
    """
    entries = _entries(text)
    if isinstance(entries, dict):  # n8n's first versions did not make it flat
        return entries
    try:
        value, size = _Reader(entries, most_size).read(0, 1)
    except (IndexError, ValueError):
        raise UnreadableFlatted("an entry names another one that is not there") from None
    if size > most_size:
        raise UnreadableFlatted(TOO_LARGE)
    return value


def _entries(text: str | bytes) -> list[Any] | dict[str, Any]:
    try:
        entries = orjson.loads(text)
    except orjson.JSONDecodeError:
        # It refuses half of a surrogate pair, which JavaScript's texts may hold.
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableFlatted(f"it is not JSON: {error}") from None
    if not isinstance(entries, list | dict) or not entries:
        raise UnreadableFlatted("it is not a list of entries")
    return entries


class _Reader:
    """Builds each entry once and remembers it with the size that it comes to."""

    def __init__(self, entries: list[Any], most_size: int) -> None:
        self._entries = entries
        self._most_size = most_size
        self._built: list[Any] = [None] * len(entries)

    def read(self, index: int, depth: int) -> tuple[Any, int]:
        """The value of an entry, and the size that it comes to."""
        known: Any = self._built[index]
        if known is UNDER_WAY:
            return CIRCULAR, len(CIRCULAR)
        if known is not None:
            return known[0], known[1]
        value = self._entries[index]
        if isinstance(value, str):
            made = (value if value.isascii() else replace_lone_surrogates(value), PUNCTUATION + len(value))
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise UnreadableFlatted(f"it is nested more than {MAX_DEPTH} levels deep")
            self._built[index] = UNDER_WAY
            made = self._object(value, depth) if isinstance(value, dict) else self._array(value, depth)
        else:
            made = (value, PUNCTUATION)
        self._built[index] = made
        return made

    def _object(self, value: dict[str, Any], depth: int) -> tuple[Any, int]:
        total, made = PUNCTUATION, {}
        for key, part in value.items():
            total += PUNCTUATION + len(key)
            if isinstance(part, str):
                part, size = self.read(INDEXES[part] if part in INDEXES else _index(part), depth + 1)
                total += size
            made[key if key.isascii() else replace_lone_surrogates(key)] = part
        return made, self._check_size(total)

    def _array(self, value: list[Any], depth: int) -> tuple[Any, int]:
        total, made = PUNCTUATION, []
        for part in value:
            total += PUNCTUATION
            if isinstance(part, str):
                part, size = self.read(INDEXES[part] if part in INDEXES else _index(part), depth + 1)
                total += size
            made.append(part)
        return made, self._check_size(total)

    def _check_size(self, size: int) -> int:
        if size > self._most_size:
            raise UnreadableFlatted(TOO_LARGE)
        return size


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise ValueError(text)
    return int(text)


def replace_lone_surrogates(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot hold."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
