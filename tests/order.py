"""In which order tests run when pytest-xdist spreads them over processes."""

from collections.abc import Sequence
from itertools import groupby

import pytest


def slow_first(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Give three of four processes a share of the slow tests; the quick ones keep their order.

    Slow ones wait for most of their time, and quick ones need a processor: side by side they leave little of it
    unused. Each process begins with its slow ones, and those of a module stay together: what they share is made once.
    pytest-xdist cuts the list into a part for each process, all of the same length; whoever is through takes from the
    end of what others have left. So no long test is begun when all the others are through.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    ordered: list[pytest.Item] = []
    slow_shares = shares(slow, processes - processes // 4)
    for number in range(processes):
        first = slow_shares[number] if number < len(slow_shares) else []
        length = (len(items) - len(ordered)) // (processes - number)
        rest = max(0, length - len(first))
        ordered += [*first, *quick[:rest]]
        quick = quick[rest:]
    return ordered + quick


def shares(items: Sequence[pytest.Item], number: int) -> list[list[pytest.Item]]:
    """So many parts of about the same length, none of which has only some of a module's tests."""
    parts: list[list[pytest.Item]] = [[] for _ in range(number)]
    for _, together in groupby(items, key=lambda item: item.path):
        min(parts, key=len).extend(together)
    return parts
