"""The processes that serve owners: what kinds there are, whose each one is, and how many more there may be.

Who waits for one, and when one is started or ended, is the pool's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from app.engine.sandbox.interpreter import Interpreter
from app.engine.sandbox.process import Launch
from app.engine.sandbox.requests import ProcessTraits

Key = tuple[str, str]
"""A kind of process, and whose it is."""


@dataclass(frozen=True, slots=True)
class ProcessKind:
    """A kind of processes: how one is started and works, how many an owner may have, and how many are kept warm.

    `replaced`: one that takes no more requests has another in its place already while its own still go on.
    """

    launch: Callable[[], Launch]
    traits: ProcessTraits
    heap_bytes: int
    most: int = 1
    spares: int = 0
    replaced: bool = False


@dataclass(eq=False, slots=True)
class Lane:
    """A process of one owner."""

    key: Key
    interpreter: Interpreter
    opened_at: float
    used_at: float


class Lanes:
    """The processes of all owners, of which at most `processes` count at once."""

    def __init__(self, kinds: Mapping[str, ProcessKind], processes: int) -> None:
        self._kinds = kinds
        self._processes = processes
        self._by_key: dict[Key, list[Lane]] = {}

    def __iter__(self) -> Iterator[Lane]:
        return (lane for lanes in self._by_key.values() for lane in lanes)

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def of(self, key: Key) -> list[Lane]:
        """All of one owner, also those that take no more requests."""
        return list(self._by_key.get(key, ()))

    def add(self, lane: Lane) -> None:
        """One more serves its owner from now on."""
        self._by_key.setdefault(lane.key, []).append(lane)

    def remove(self, lane: Lane) -> bool:
        """It serves nobody any more; false where it did not before."""
        lanes = self._by_key.get(lane.key, [])
        if lane not in lanes:
            return False
        lanes.remove(lane)
        if not lanes:
            del self._by_key[lane.key]
        return True

    def least_busy(self, key: Key) -> Lane | None:
        """The owner's one with the least to do, of those that take requests."""
        return min(self._taking(key), key=lambda lane: (lane.interpreter.held, lane.interpreter.load), default=None)

    def all_held(self, key: Key) -> bool:
        """Whether the owner has some that take requests, and a request holds each of them."""
        lanes = self._taking(key)
        return bool(lanes) and all(lane.interpreter.held for lane in lanes)

    def has_free_beside(self, lane: Lane) -> bool:
        """Whether another one of its owner takes requests, and none holds it."""
        return any(other is not lane and not other.interpreter.held for other in self._taking(lane.key))

    def may_grow(self, key: Key) -> bool:
        """Whether there is a place, and the owner may have one more.

        One that takes no more requests counts: others wait for its place.
        """
        return len(self._by_key.get(key, ())) < self._kinds[key[0]].most and self.places() > 0

    def longest_idle(self) -> Lane | None:
        """The one with nothing to do that was used least lately."""
        return min((lane for lane in self if lane.interpreter.load == 0), key=lambda lane: lane.used_at, default=None)

    def places(self) -> int:
        """How many more there may be; of those that are replaced, no more count than there are others."""
        return self._processes - sum(map(len, self._by_key.values())) + min(self._replaced(), self._processes)

    def retire(self, waiting: int) -> None:
        """Let as many take no more requests as there are owners that wait and will find no place.

        One that is replaced makes room at once, as long as there are not more of these than of the others.
        """
        replaced = self._replaced()
        coming = sum(lane.interpreter.retiring for lane in self) - replaced
        idle = sum(lane.interpreter.load == 0 for lane in self)
        for _ in range(waiting - coming - idle - max(0, self.places())):
            taking = [lane for lane in self if not lane.interpreter.retiring]
            if not taking or replaced >= self._processes:
                break
            replaced += 1
            counts = Counter(lane.key for lane in taking)
            min(taking, key=lambda lane: (-counts[lane.key], lane.opened_at)).interpreter.retire()

    def _taking(self, key: Key) -> list[Lane]:
        return [lane for lane in self._by_key.get(key, ()) if not lane.interpreter.retiring]

    def _replaced(self) -> int:
        """How many take no more requests, and have another in their place."""
        return sum(lane.interpreter.retiring and self._kinds[lane.key[0]].replaced for lane in self)
