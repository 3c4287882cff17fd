"""How a node was tried, as its panel tells it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any


@dataclass(frozen=True, slots=True)
class TryLine:
    """One try: how long it took, why it failed (None: it did not), and how long it was until the next one began."""

    seconds: float
    message: str | None
    seconds_to_next: float | None


def list_tries(tries: Sequence[Mapping[str, Any]]) -> Iterator[TryLine]:
    """The tries of a run, as its structure has them."""
    for one, following in zip_longest(tries, tries[1:]):
        wait = None if following is None else following["startTime"] - one["startTime"] - one["executionTime"]
        yield TryLine(one["executionTime"] / 1000, one["error"], None if wait is None else max(wait, 0) / 1000)
