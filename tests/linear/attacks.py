"""Texts that make a regular expression work as hard as it can, made from the expression itself."""

import itertools
import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import string
from collections.abc import Iterator
from typing import Any

MAX_UNITS = 24
CLASSES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
FAILING_ENDS = ("", "\x01", "!")


def attack(beginning: str, unit: str, end: str, size: int) -> str:
    """A text of about `size` characters: what parts of a pattern match, repeated, with an end that fails."""
    return beginning + unit * (size // len(unit)) + end


def parts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """The beginning of each text that makes it work hard, what is repeated in it, and its end."""
    parsed = _parse(pattern)
    pieces = list(dict.fromkeys(piece for piece in _pieces(parsed) if piece))
    beginnings = list(dict.fromkeys(["", *_beginnings(parsed)]))
    pairs = map("".join, itertools.permutations(pieces[:6], 2))
    units = list(dict.fromkeys([*beginnings[1:], *pieces[:MAX_UNITS], *pairs]))
    for unit in units[: 2 * MAX_UNITS]:
        for beginning in beginnings[:12]:
            for end in FAILING_ENDS:
                yield beginning, unit, end


def repeats(pattern: re.Pattern[Any]) -> bool:
    """Whether any part of it may come more than once: if none may, all that is done at one place has a bound."""
    return _repeats(_parse(pattern))


def _repeats(parsed: Any) -> bool:
    return any(
        (operation in REPEATS and argument[1] > 1) or any(map(_repeats, _nested(argument)))
        for operation, argument in parsed
    )


def _nested(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _nested(each)


def _parse(pattern: re.Pattern[Any]) -> Any:
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    return parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)


def _pieces(parsed: Any) -> Iterator[str]:
    """Texts that the pattern as a whole, each of its parts and each run of neighbours match."""
    items = list(parsed)
    yield _sample(items)
    for first in range(len(items)):
        for last in range(first + 1, min(len(items), first + 4) + 1):
            yield _sample(items[first:last])
    for item in items:
        for inner in _inner(item):
            yield from _pieces(inner)


def _beginnings(parsed: Any) -> Iterator[str]:
    """Texts that the first parts of the pattern match, up to each of its repeats."""
    items = list(parsed)
    for end in range(1, len(items) + 1):
        yield _sample(items[:end])
    for item in items[:2]:
        for inner in _inner(item):
            yield from _beginnings(inner)


def _inner(item: Any) -> list[Any]:
    operation, argument = item
    if operation in REPEATS:
        return [argument[2]]
    if operation is sre.SUBPATTERN:
        return [argument[-1]]
    if operation is sre.BRANCH:
        return list(argument[1])
    if operation is sre.ATOMIC_GROUP:
        return [argument]
    return []


def _sample(items: Any) -> str:
    """One text that these parts match, as short as can be; looks around and back references are left out."""
    return "".join(_one(item) for item in items)


def _one(item: Any) -> str:
    operation, argument = item
    if operation is sre.LITERAL:
        return chr(argument)
    if operation is sre.NOT_LITERAL:
        return next(letter for letter in "ax1" if ord(letter) != argument)
    if operation is sre.ANY:
        return "a"
    if operation is sre.IN:
        return _member(argument)
    if operation in REPEATS:
        return _sample(argument[2]) * max(argument[0], 1)
    if operation is sre.BRANCH:
        return _sample(argument[1][0])
    inner = _inner(item)
    return _sample(inner[0]) if inner else ""


def _member(choices: Any) -> str:
    letters = string.ascii_letters + string.digits + string.punctuation + " \t\n"
    negated = choices[0][0] is sre.NEGATE
    for letter in sorted(letters, key=lambda letter: letter not in " 0a."):
        if any(_holds(choice, letter) for choice in choices) != negated:
            return letter
    return ""


def _holds(choice: Any, letter: str) -> bool:
    operation, argument = choice
    if operation is sre.LITERAL:
        return ord(letter) == argument
    if operation is sre.RANGE:
        return argument[0] <= ord(letter) <= argument[1]
    if operation is sre.CATEGORY:
        return re.match(CLASSES[argument], letter) is not None
    return False
