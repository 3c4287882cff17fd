"""In which order tests run when pytest-xdist spreads them over processes."""

from collections.abc import Sequence

import pytest


def slow_first(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Give each process the same number of slow tests, before its quick ones, which keep their order.

    pytest-xdist cuts the list into a part for each process, all of the same length; whoever is through takes from the
    end of what others have left. So no long test is begun when all the others are through.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    ordered: list[pytest.Item] = []
    for number in range(processes):
        first = slow[number::processes]
        length = (len(items) - len(ordered)) // (processes - number)
        rest = max(0, length - len(first))
        ordered += [*first, *quick[:rest]]
        quick = quick[rest:]
    return ordered + quick
