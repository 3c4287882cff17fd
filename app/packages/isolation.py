"""Which calls of a project get a process of their own, apart from the long-lived one that the others share.

A call that has ended the shared process once, by computing or by taking memory without end, would do so again at its
next attempt, and break the connections and memories of others each time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from app.bounded_dict import BoundedDict

KEPT_SECONDS = 6 * 3600.0
"""What was not called for so long is back among the others."""
MAX_KEPT = 10_000

Shared = tuple[str, str]
"""What processes are for, and whose they are."""


@dataclass(slots=True)
class Place:
    """Which process of those beside the shared one, and when it was last called for."""

    number: int
    used_at: float


class Apart:
    """Keeps what has ended a shared process. An owner has `most` processes at most for it, by what they are for."""

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._places: BoundedDict[tuple[Shared, str], Place] = BoundedDict(MAX_KEPT)

    def place_of(self, mode: str, owner: str, subject: str) -> int | None:
        """The number of the process that this subject of the owner has apart, if it has one."""
        place = self._places.get(((mode, owner), subject))
        now = time.monotonic()
        if place is None or now - place.used_at > KEPT_SECONDS:
            return None
        place.used_at = now
        return place.number

    def move(self, mode: str, owner: str, subject: str) -> None:
        """Have the next calls of this subject apart; nothing where it is already, or where there is none."""
        most = self._most.get(mode, 0)
        if not subject or most < 1 or self.place_of(mode, owner, subject) is not None:
            return
        shared, oldest = (mode, owner), time.monotonic() - KEPT_SECONDS
        taken = Counter(
            place.number for (other, _), place in self._places.items() if other == shared and place.used_at >= oldest
        )
        number = min(range(most), key=lambda each: taken[each])
        self._places[shared, subject] = Place(number, time.monotonic())
