"""Single values of HTTP Request's parameters: times, counts and lists of named values."""

import math
from collections.abc import Sequence
from typing import Any

from app.engine.values import conversions
from app.engine.values.conversions import Undefined


def seconds(value: Any, default: float) -> float:
    """Milliseconds as the workflow gives them, in seconds."""
    number = conversions.to_number(value) if value not in (None, "") else default * 1000
    return number / 1000 if 0 < number < 3_600_000 else default


def pause(value: Any) -> float:
    """Milliseconds between two batches, in seconds: one second where nothing is said, none for what is no time."""
    return 1.0 if value is None else seconds(value, 0.0)


def batch_size(value: Any) -> int:
    """How many requests go at once: -1, all of them, where it says less than none, or nothing that is a number."""
    number = conversions.to_number(value)
    return max(1, int(number)) if 0 <= number < math.inf else -1


def whole(value: Any, default: int) -> int:
    """A number as a count; the default for what is none."""
    number = conversions.to_number(value)
    return int(number) if 0 < number < math.inf else default


def pairs(entries: Sequence[dict[str, Any]] | None) -> list[tuple[str, Any]]:
    """The named values of a list in the editor; those whose value is undefined are left out."""
    return [
        (conversions.to_string(entry.get("name", "")), entry.get("value", ""))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and not isinstance(entry.get("value"), Undefined)
    ]
