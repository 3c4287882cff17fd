"""JavaScript's view of two JSON values: when they are the same, and which one is less."""

from typing import Any

from app.engine.values import conversions


def strictly_equal(left: Any, right: Any) -> bool:
    """JavaScript's ===, where no two arrays and no two objects are the same."""
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return False
    if left is None or right is None:
        return left is right
    return conversions.type_name(left) == conversions.type_name(right) and bool(left == right)


def deep_equal(left: Any, right: Any) -> bool:
    """Whether two JSON values have the same type and content; true and 1 differ, 1 and 1.0 do not."""
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(deep_equal(one, other) for one, other in zip(left, right, strict=True))
        )
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(deep_equal(entry, right[key]) for key, entry in left.items())
        )
    return strictly_equal(left, right)


def less_than(left: Any, right: Any) -> bool:
    """JavaScript's left < right: as text when both are, else as numbers."""
    one, other = _primitive(left), _primitive(right)
    if isinstance(one, str) and isinstance(other, str):
        return one.encode("utf-16-be", "surrogatepass") < other.encode("utf-16-be", "surrogatepass")
    return conversions.to_number(one) < conversions.to_number(other)


def at_most(left: Any, right: Any) -> bool:
    """JavaScript's left <= right: as text when both are, else as numbers, of which NaN is at most none."""
    one, other = _primitive(left), _primitive(right)
    if isinstance(one, str) and isinstance(other, str):
        return not less_than(other, one)
    return conversions.to_number(one) <= conversions.to_number(other)


def sorts_before(left: Any, right: Any) -> bool:
    """Whether nodes that order items put `left` first: texts as texts, lists and objects as the numbers they become."""
    if isinstance(left, str) and isinstance(right, str):
        return less_than(left, right)
    return conversions.to_number(left) < conversions.to_number(right)


def _primitive(value: Any) -> Any:
    return conversions.to_string(value) if isinstance(value, dict | list) else value
