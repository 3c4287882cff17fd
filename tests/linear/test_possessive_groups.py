"""Python before 3.11.5 does not go back where a turn of a possessive group fails in its midst (gh-106052).

A turn that is atomic never fails so: what it began is given back as a whole.
"""

import re
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from tests.linear.attacks import _nested, _parse
from tests.linear.compiled_patterns import compiled_elsewhere, patterns

ONE_SIGN = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY, _constants.ATOMIC_GROUP)
"""What is matched as a whole or not at all."""


def splittable(parsed: Any) -> bool:
    """Whether a turn of a possessive repeat may fail after it has begun."""
    for kind, argument in parsed:
        if kind is _constants.POSSESSIVE_REPEAT:
            body = list(argument[2])
            if len(body) != 1 or body[0][0] not in ONE_SIGN:
                return True
        if any(splittable(inner) for inner in _nested(argument)):
            return True
    return False


def test_turns_of_possessive_groups_are_atomic() -> None:
    named = [param.values[1] for param in patterns()]
    found = {*named, *compiled_elsewhere().values()}
    assert [pattern.pattern for pattern in found if splittable(_parse(pattern))] == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [(r'(?:[^"]++|"")*+', True), (r'(?:(?>[^"]++|""))*+', False), (r"[a-z]*+(?:\d{2})?+x", True), ("[a-z]++", False)],
)
def test_a_turn_that_may_fail_is_noticed(pattern: str, expected: bool) -> None:
    assert splittable(_parser.parse(pattern)) == expected
    assert re.compile(pattern)
