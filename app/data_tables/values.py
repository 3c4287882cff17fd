"""What the cells of a data table can hold, and what is taken for it, as n8n takes it.

A cell holds a text, a number, true or false, a date (a text in UTC with milliseconds), or nothing.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from app import dates
from app.data_tables.errors import InvalidData, Mismatch
from app.dates import DATE_HINT

TYPES = ("string", "number", "boolean", "date")
"""Of columns."""
MAX_SHOWN_LENGTH = 100
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_SHORT_EXPONENT = re.compile(r"e([+-])0(\d)$")
_TYPE_NAMES = {"date": "dateTime"}


def cell(name: str, value: Any, kind: str, zone: tzinfo = UTC) -> str | int | float | bool | None:
    """What a cell of this column and type holds when it is given a value.

    `zone` is that of dates without an offset. Raises InvalidData.
    """
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise InvalidData("Invalid input")
    made = to_date(value, zone) if kind == "date" else CONVERSIONS[kind](value)
    if made is None:
        shown, expected = to_text(value)[:MAX_SHOWN_LENGTH], _TYPE_NAMES.get(kind, kind)
        reason = f"'{name}' expects a {expected} but we got '{shown}'{DATE_HINT if kind == 'date' else ''}"
        raise Mismatch(f"value '{shown}' does not match column type '{kind}': {reason}")
    return made


def to_text(value: Any) -> str:
    """A scalar as JavaScript writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        return _SHORT_EXPONENT.sub(r"e\1\2", repr(value))
    return str(value)


def to_number(value: Any) -> int | float | None:
    """A scalar as JavaScript's Number reads it; None for what is no finite number."""
    if isinstance(value, str):
        value = _read_number(value.strip())
    elif isinstance(value, bool):
        value = int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) <= 2**53 else value
    return value if isinstance(value, int) else None


def _read_number(text: str) -> int | float | None:
    if not text:
        return 0
    base = _BASES.get(text[:2].lower())
    if base is not None:
        try:
            return float(int(text[2:], base)) if "_" not in text and len(text) < MAX_SHOWN_LENGTH else None
        except (ValueError, OverflowError):
            return None
    return float(text) if _DECIMAL.fullmatch(text) else None


def to_boolean(value: Any) -> bool | None:
    """True and false, also written as texts, and the numbers 1 and 0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    number = to_number(value)
    return bool(number) if number in (0, 1) else None


def to_date(value: Any, zone: tzinfo) -> str | None:
    """A text that tells a time, in UTC with milliseconds; without an offset it is in the zone."""
    if not isinstance(value, str):
        return None
    moment = read_time(value.strip(), zone)
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_time(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The time that a text tells, in ISO 8601, as SQL, mails and HTTP write it, or as people do (`5 March 2024`)."""
    if len(text) > MAX_SHOWN_LENGTH:
        return None
    try:
        moment = dates.parse(text, getattr(zone, "key", "UTC"))
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        return None


CONVERSIONS: dict[str, Callable[[Any], str | int | float | bool | None]] = {
    "string": to_text,
    "number": to_number,
    "boolean": to_boolean,
}
"""By the type of the column; dates need a zone besides."""
