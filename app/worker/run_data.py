"""The data of a run as JSON that can be stored, written part by part.

In memory the items that nodes pass on are there once, in the JSON as often as they were passed on: a loop can make
gigabytes of one large item. So it is known how much there is before all of it is there.
"""

from typing import Any

from app.engine.run.memory import length_of_texts
from app.json_parts import JsonTooLong, JsonWriter

MAX_BYTES = 512 * 2**20
"""PostgreSQL cuts the connection at twice as much, each time it is tried."""
ADVICE = "what each node puts out is recorded, so let fewer nodes hand on large items, or remove large fields early"
LEVELS = 4
"""Below so many levels are the single runs of a node, and the entries of what is due."""


def encode(data: dict[str, Any] | list[Any], levels: int = LEVELS, *, small: bool = False) -> bytes:
    """The data as JSON, with text for values that JSON does not know; other threads have their turn meanwhile.

    What is below so many levels is written at one go, unless it is large. `small`: see `JsonWriter.encode`.

    Raises TypeError, ValueError or RecursionError for what cannot be written,
    and JsonTooLong for more than MAX_BYTES.
    """
    try:
        return JsonWriter(MAX_BYTES, length_of_texts).encode(data, levels, small=small)
    except JsonTooLong as error:
        raise JsonTooLong(f"{error}; {ADVICE}") from error
