"""The data of a run as JSON that can be stored, written part by part.

In memory the items that nodes pass on are there once, in the JSON as often as they were passed on: a loop can make
gigabytes of one large item. So it is known how much there is before all of it is there.
"""

import json
from typing import Any

import orjson

from app.engine.run.memory import length_of_texts

MAX_BYTES = 512 * 2**20
"""PostgreSQL cuts the connection at twice as much, each time it is tried."""
LEVELS = 4
"""Below so many levels are the single runs of a node, and the entries of what is due."""


def encode(data: dict[str, Any]) -> bytes:
    """The data as JSON, with text for values that JSON does not know.

    Raises TypeError, ValueError or RecursionError for what cannot be written,
    and ValueError for more than MAX_BYTES.
    """
    return orjson.dumps(_Parts().write(data, LEVELS))


class _Parts:
    """Parts of one document, and how long they are together."""

    def __init__(self) -> None:
        self._written = 0

    def write(self, value: Any, levels: int) -> Any:
        """The value with all below these levels written."""
        if levels and isinstance(value, dict):
            return {name: self.write(each, levels - 1) for name, each in value.items()}
        if levels and isinstance(value, list):
            return [self.write(each, levels - 1) for each in value]
        self._count(length_of_texts(value, MAX_BYTES - self._written))
        written = _dump(value)
        self._count(len(written))
        self._written += len(written)
        return orjson.Fragment(written)

    def _count(self, length: int) -> None:
        if self._written + length > MAX_BYTES:
            raise ValueError(f"it takes more than {MAX_BYTES:,} bytes")


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        # The standard library goes deeper than orjson's 254 levels, and takes integers of any size.
        # In parts, between which other threads have their turn.
        encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=str)
        return "".join(encoder.iterencode(value)).encode()
