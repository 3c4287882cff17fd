"""Run data as n8n stores it: JSON made flat, in which every object and text stands once and is named by its place.

The document is a JSON array. Entry 0 is the root; within objects and arrays a string is the index of another entry,
and everything else is itself.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import orjson

MAX_DEPTH = 200
"""Levels: what is deeper could not be encoded again."""

PUNCTUATION = 4
"""About what a value takes beside its own characters, in characters; also a number, true, false or null."""

TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"
TOO_LARGE = "it comes to more than can be stored when what it shares is written out"

INDEXES = {str(index): index for index in range(1_000)}
"""Most references are to one of the first entries, and to look them up is quicker than to check and convert them."""

NOT_BUILT, UNDER_WAY = -1, -2
"""Sizes of entries whose size is not known."""

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
    reader = _Reader(entries, most_size)
    with suppress(IndexError, ValueError):  # nobody may name that entry
        reader.build_from_the_end()
    try:
        value, size, _ = reader.read(0, 1)
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
            entries = json.loads(replace_lone_surrogates(json.dumps(json.loads(text), ensure_ascii=False)))
        except (ValueError, RecursionError) as error:
            raise UnreadableFlatted(f"it is not JSON: {error}") from None
    if not isinstance(entries, list | dict) or not entries:
        raise UnreadableFlatted("it is not a list of entries")
    return entries


class _Reader:
    """Builds each entry once, in its place, and remembers the size that it comes to and how many levels it has."""

    def __init__(self, entries: list[Any], most_size: int) -> None:
        self._entries = entries
        self._most_size = most_size
        self._sizes = [PUNCTUATION + len(entry) if isinstance(entry, str) else NOT_BUILT for entry in entries]
        self._levels = [0] * len(entries)

    def build_from_the_end(self) -> None:
        """Build what names nothing but entries that are built: nearly all of n8n's, and without a call for each.

        Raises IndexError, ValueError for an entry that names none.
        """
        entries, sizes, levels = self._entries, self._sizes, self._levels
        for index in range(len(entries) - 1, -1, -1):
            value, total, deepest = entries[index], PUNCTUATION, 0
            if isinstance(value, str):
                continue
            if isinstance(value, dict):
                made: Any = {}
                for key, part in value.items():
                    total += PUNCTUATION + len(key)
                    if isinstance(part, str):
                        place = INDEXES[part] if part in INDEXES else _index(part)
                        size = sizes[place]
                        if size < 0:
                            break
                        total += size
                        if levels[place] > deepest:
                            deepest = levels[place]
                        part = entries[place]
                    made[key] = part
                else:
                    self._keep(index, made, total, deepest + 1)
            elif isinstance(value, list):
                made = []
                for part in value:
                    total += PUNCTUATION
                    if isinstance(part, str):
                        place = INDEXES[part] if part in INDEXES else _index(part)
                        size = sizes[place]
                        if size < 0:
                            break
                        total += size
                        if levels[place] > deepest:
                            deepest = levels[place]
                        part = entries[place]
                    made.append(part)
                else:
                    self._keep(index, made, total, deepest + 1)
            else:
                sizes[index] = PUNCTUATION

    def _keep(self, index: int, made: Any, size: int, levels: int) -> None:
        if size <= self._most_size and levels <= MAX_DEPTH:
            self._entries[index], self._sizes[index], self._levels[index] = made, size, levels

    def read(self, index: int, depth: int) -> tuple[Any, int, int]:
        """The value of an entry, the size that it comes to, and its levels. `depth`: on which level it stands.

        Raises IndexError, ValueError for an entry that names none, UnreadableFlatted.
        """
        size = self._sizes[index]
        if size == UNDER_WAY:
            return CIRCULAR, len(CIRCULAR), 0
        if size == NOT_BUILT:
            if depth > MAX_DEPTH:
                raise UnreadableFlatted(TOO_DEEP)
            self._build(index, depth)
        elif depth + self._levels[index] > MAX_DEPTH + 1:
            raise UnreadableFlatted(TOO_DEEP)
        return self._entries[index], self._sizes[index], self._levels[index]

    def _build(self, index: int, depth: int) -> None:
        value, total, deepest = self._entries[index], PUNCTUATION, 0
        if not isinstance(value, dict | list):
            self._sizes[index] = PUNCTUATION
            return
        self._sizes[index] = UNDER_WAY
        made: Any = {} if isinstance(value, dict) else []
        parts: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            total += PUNCTUATION
            if isinstance(part, str):
                part, size, levels = self.read(INDEXES[part] if part in INDEXES else _index(part), depth + 1)
                total += size
                deepest = max(deepest, levels)
            if isinstance(made, dict):
                total += len(key)
                made[key] = part
            else:
                made.append(part)
        if total > self._most_size:
            raise UnreadableFlatted(TOO_LARGE)
        self._entries[index], self._sizes[index], self._levels[index] = made, total, deepest + 1


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
