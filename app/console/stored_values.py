"""Stored JSON as values that are shown as they are stored: whole numbers, and names that are there twice. Pure."""

import json
from typing import Any

import orjson

from app.repository.odd_json import readable
from app.repository.run_scan import item_texts

DEEPEST = 200
"""Levels that are kept; orjson writes 254, and `readable` keeps more."""
TOO_DEEP = "… (nested too deeply)"
SHORT = 18  # digits of an integer that no reader changes


class Name(str):
    """A name that an object has more than once: equal to itself only."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def read_values(text: bytes) -> list[Any]:
    """The values of a JSON list. What would not be written again as it stands there is an orjson.Fragment."""
    try:
        values: list[Any] = orjson.loads(text)
        if orjson.dumps(values) == text:
            return values
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return [read_value(each) for each in item_texts(text[1:-1])]


def read_value(text: bytes) -> Any:
    """One value, read slowly only where that makes a difference. U+FFFD stands for half of a surrogate pair."""
    try:
        value = orjson.loads(text)
        if orjson.dumps(value) == text:
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return flatten(DECODER.decode(readable(text).decode()))


def write_value(value: Any, option: int = 0) -> str:
    """The value as JSON."""
    return orjson.dumps(value, option=option | orjson.OPT_NON_STR_KEYS).decode()


def read_integer(text: str) -> Any:
    """The integer, or its text where it is one that readers round."""
    return int(text) if len(text) <= SHORT and text != "-0" else orjson.Fragment(text)


def read_fraction(text: str) -> Any:
    """The number, or its text where it would be written in another way."""
    number = float(text)
    return number if orjson.dumps(number) == text.encode() else orjson.Fragment(text)


def read_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with all of its members, names that are there twice too."""
    members = dict(pairs)
    return members if len(members) == len(pairs) else {Name(name): value for name, value in pairs}


def flatten(value: Any, depth: int = 0) -> Any:
    """The value without what lies deeper than DEEPEST."""
    if not isinstance(value, dict | list) or not value:
        return value
    if depth == DEEPEST:
        return TOO_DEEP
    if isinstance(value, list):
        return [flatten(inner, depth + 1) for inner in value]
    return {name: flatten(inner, depth + 1) for name, inner in value.items()}


DECODER = json.JSONDecoder(parse_int=read_integer, parse_float=read_fraction, object_pairs_hook=read_members)
