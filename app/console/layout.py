"""Places for nodes of workflows that come without any, as programs write them: from left to right. Pure."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence

COLUMN, ROW = 220, 180
"""How far apart nodes are, as n8n places them."""


def lay_out(names: Sequence[str], targets: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
    """A place for each name: a column farther than the nearest that leads to it, below those that came before.

    `targets` are the names that each leads to. What nothing leads to begins; so does what is in a circle alone.
    """
    led_to = {to for name, ends in targets.items() for to in ends if to != name}
    columns: dict[str, int] = {}
    for first in (*(name for name in names if name not in led_to), *names):
        if first in columns:
            continue
        columns[first] = 0
        waiting = deque([first])
        while waiting:
            name = waiting.popleft()
            for to in targets.get(name, ()):
                if to not in columns:
                    columns[to] = columns[name] + 1
                    waiting.append(to)
    rows: Counter[int] = Counter()
    places: dict[str, tuple[float, float]] = {}
    for name in columns:
        column = columns[name]
        places[name] = (column * COLUMN, rows[column] * ROW)
        rows[column] += 1
    return places
