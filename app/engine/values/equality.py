"""n8n's idea of equal: by value and type, or `fuzzy`, by what a value looks like."""

from typing import Any

from app.engine.values import conversions


def identity(value: Any, fuzzy: bool = False) -> Any:
    """Something hashable that is the same for equal values.

    `fuzzy` takes 3 and "3" for equal, and everything that is empty or 0.
    """
    if fuzzy and not isinstance(value, dict | list):
        return conversions.to_string(value) if value else ""
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(each, fuzzy)) for name, each in value.items()))
    if isinstance(value, list):
        return ("array", tuple(identity(each, fuzzy) for each in value))
    return (conversions.type_name(value), value)


def equal(left: Any, right: Any, fuzzy: bool) -> bool:
    return identity(left, True) == identity(right, True) if fuzzy else conversions.deep_equal(left, right)
