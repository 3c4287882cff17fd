"""PostgreSQL's values as n8n shows them: what its driver knows becomes JSON, everything else stays the server's text.

Knows the text that the server writes (dates in ISO, the session in UTC); asks no server.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from app import dates
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert

BIG = frozenset({"int8", "numeric"})
"""Numbers that may be more than JavaScript's can hold."""
TEXTUAL_ARRAYS = frozenset(
    {"bpchar", "cidr", "inet", "int8", "macaddr", "money", "regproc", "text", "time", "timetz", "uuid", "varchar"}
)
"""Types whose arrays become lists of texts."""
_ENTRY = re.compile(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)|([{},])', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_INTERVAL = re.compile(r"(?<!\d)(?:(-?\d++) (year|mon|day)s?|(-?)(\d++):(\d\d):(\d\d)(?:\.(\d+))?)")
_UNITS = {"year": "years", "mon": "months", "day": "days"}
_FAR = re.compile(r"(\d{4,})-(\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?(?:\+00)?)?( BC)?\Z")
MOST_DIMENSIONS = 6
"""Of an array, as PostgreSQL writes it."""
MIDNIGHT = "00:00:00"
LAST_MOMENT = (275_760, "09-13", MIDNIGHT, "")
"""The last one of JavaScript's dates."""
_NUMBER = re.compile(r"[^,<>()]+")


def to_json(text: str, kind: str, *, array: bool, big_as_text: bool) -> Any:
    """A value of the type of that name, or an array of it, from the server's text."""
    if array:
        element = str if kind in TEXTUAL_ARRAYS else _float if kind == "numeric" else _READ.get(kind)
        return text if element is None or kind == "circle" else _array(text, element)
    if kind in BIG:
        return text if big_as_text else _float(text)
    read = _READ.get(kind)
    return text if read is None else read(text)


def _float(text: str) -> int | float | None:
    number = conversions.plain_number(float(text))
    return number if number - number == 0 else None


def _bytes(text: str) -> dict[str, Any]:
    return {"type": "Buffer", "data": list(bytes.fromhex(text.removeprefix("\\x")))}


def _json(text: str) -> Any:
    try:
        return conversions.parse_json(text)
    except CannotConvert:
        return text


def _moment(text: str) -> str:
    """Dates and times as instants, without an offset in UTC; infinity, of which JSON has none, stays text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _far_moment(text)
    if isinstance(moment, date) and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return dates.to_iso(moment)


def _far_moment(text: str) -> str:
    """Years that Python does not count, as JavaScript writes them: with a sign and six digits, but for the year 0.

    What is beyond the last of JavaScript's dates stays text.
    """
    match = _FAR.match(text)
    if match is None:
        return text
    year = 1 - int(match[1]) if match[5] else int(match[1])
    time, fraction = match[3] or MIDNIGHT, match[4] or ""
    if (year, match[2], time, fraction) > LAST_MOMENT:
        return text
    written = f"{year:+07d}" if year else "0000"
    return f"{written}-{match[2]}T{time}.{fraction.ljust(3, '0')}Z"


def _interval(text: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for count, unit, sign, hours, minutes, seconds, fraction in _INTERVAL.findall(text):
        if unit:
            parts[_UNITS[unit]] = int(count)
            continue
        factor = -1 if sign else 1
        for name, digits in (("hours", hours), ("minutes", minutes), ("seconds", seconds)):
            if int(digits):
                parts[name] = factor * int(digits)
        if fraction:
            parts["milliseconds"] = conversions.plain_number(factor * int(fraction[:6].ljust(6, "0")) / 1000)
    return parts


def _numbers(*names: str) -> Callable[[str], dict[str, Any]]:
    """A reader for shapes that are written as that many numbers."""
    return lambda text: dict(zip(names, map(_float, _NUMBER.findall(text)), strict=False))


_READ: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: text == "t",
    "bytea": _bytes,
    "int2": int,
    "int4": int,
    "oid": int,
    "float4": _float,
    "float8": _float,
    "json": _json,
    "jsonb": _json,
    "date": _moment,
    "timestamp": _moment,
    "timestamptz": _moment,
    "interval": _interval,
    "point": _numbers("x", "y"),
    "circle": _numbers("x", "y", "radius"),
}


def _array(text: str, read: Callable[[str], Any]) -> list[Any]:
    """The array that the server wrote, as lists in lists; bounds such as [2:3]= are left out. Raises ValueError."""
    array: list[Any] = []
    open_lists = [array]
    for quoted, plain, mark in _ENTRY.findall(text, text.index("{")):
        if mark == "{":
            inner: list[Any] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        elif mark == "}":
            open_lists.pop()
        elif plain:
            open_lists[-1].append(None if plain == "NULL" else read(plain))
        elif not mark:
            open_lists[-1].append(read(_ESCAPED.sub(r"\1", quoted)))
        if not 0 < len(open_lists) <= MOST_DIMENSIONS + 1:
            raise ValueError("no array is written so")
    return list(array[0])
