"""n8n's idea of equal: by value and type, or `fuzzy`, by what a value looks like."""

from typing import Any

from app.engine.values import comparisons, conversions, paths

LOOSE = {"": "empty", "0": "0", "1": "1", "false": "text false", "true": "text true"}
"""The texts that are equal to something else than the same text, `fuzzy`, each with the name of its kind."""
GROUPS = {"empty": "", "null": "", "0": "", "false": "", "text false": "", "1": "1", "true": "1", "text true": "1"}
"""The kinds of values by what they are found by; which of a group are alike, ALIKE says."""
ALIKE = frozenset(
    frozenset(pair)
    for pair in (("empty", "null"), ("0", "false"), ("false", "text false"), ("1", "true"), ("true", "text true"))
)
NULL_AND_ZERO = frozenset(("null", "0"))


def identity(value: Any, fuzzy: bool = False) -> Any:
    """Something hashable that is the same for equal values.

    `fuzzy` takes 3 and "3" for equal, and gives all of a group of loose kinds the same: `alike` tells them apart.
    Within lists and objects nothing is taken for anything else.
    """
    if fuzzy and (kind := loose_kind(value)) is not None:
        return GROUPS[kind]
    if fuzzy and not isinstance(value, dict | list):
        return conversions.to_string(value)
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(each)) for name, each in value.items()))
    if isinstance(value, list):
        return ("array", tuple(identity(each) for each in value))
    return (conversions.type_name(value), value)


def loose_kind(value: Any) -> str | None:
    """What a value is that equals others than itself, `fuzzy`; None: it does not. What is not there is empty."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is paths.MISSING or value == []:
        return "empty"
    return None if isinstance(value, dict | list) else LOOSE.get(conversions.to_string(value))


def alike(one: str | None, other: str | None, null_is_zero: bool) -> bool:
    """Whether two values of one identity are equal, `fuzzy`, by their loose kinds."""
    pair = frozenset((one, other))
    return one == other or pair in ALIKE or (null_is_zero and pair == NULL_AND_ZERO)


def equal(left: Any, right: Any, fuzzy: bool, null_is_zero: bool) -> bool:
    """As Compare Datasets compares two fields, of which one may be MISSING."""
    if fuzzy:
        return identity(left, True) == identity(right, True) and alike(
            loose_kind(left), loose_kind(right), null_is_zero
        )
    return comparisons.deep_equal(*(None if each is paths.MISSING else each for each in (left, right)))
