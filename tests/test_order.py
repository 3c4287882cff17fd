"""Some processes of a test run begin with what takes long, each with its share of it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.order import slow_first


def names(text: str) -> list[Any]:
    """A test for each letter; a capital is a slow one. The same letter is of the same module."""

    def marker(letter: str) -> Callable[[str], bool]:
        return lambda name: name == "slow" and letter.isupper()

    return [SimpleNamespace(name=letter, path=letter, get_closest_marker=marker(letter)) for letter in text]


@pytest.mark.parametrize(
    ("text", "processes", "expected"),
    [
        ("abcAdeBf", 2, "Aabc Bdef"),
        ("abcABCdef", 2, "ACab Bcdef"),
        ("abcdef", 3, "ab cd ef"),
        ("ABC", 2, "AC B"),
        ("aAAABBCDb", 2, "AAAD BBCab"),
        ("ABCDa", 4, "AD B C a"),
        ("abcAdBefCgDhijkl", 4, "ADab Bcde Cfgh ijkl"),
        ("aAbBcCdef", 3, "Aab Bcd Cef"),
        ("aAbBcCde", 5, "A B Ca bc de"),
        ("a", 4, "a"),
        ("", 2, ""),
    ],
)
def test_slow_ones_come_first_in_each_part(text: str, processes: int, expected: str) -> None:
    ordered = slow_first(names(text), processes)
    assert "".join(item.name for item in ordered) == expected.replace(" ", "")
