"""What has ended in one worker, until PostgreSQL knows of it: small results go there together, large ones alone.

A large one takes PostgreSQL many seconds. Whatever went with it, and whatever came after it, would wait for so long.

It may be recorded without this worker knowing it, because the answer was lost, and is then sent once more. What waits
would end what has gone on from it, so the worker claims no execution of which it has such a result.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from app.engine.run.memory_shares import MemoryShares
from app.repository.execution_data import Encoded
from app.repository.lifecycle import Result
from app.worker.database import LARGE_BYTES
from app.worker.wake import Wake


class Unrecorded:
    """The results of one worker that are not recorded yet."""

    def __init__(self, wake: Wake, shares: MemoryShares | None = None) -> None:
        """`wake` is told when there is a small one, `shares` what memory they take."""
        self._wake = wake
        self._shares = shares
        self._small: list[Result] = []
        self._large: list[Result] = []
        self._all: dict[int, Result] = {}
        self._alone: dict[int, Sequence[int]] = {}
        """Those of them that are recorded alone, each with the executions that it is a part of."""
        self._handed: set[int] = set()
        """Those of these that are handed to another worker."""
        self._sent: set[int] = set()
        """Small ones that were sent without an answer: PostgreSQL may have recorded them."""
        self._claiming = asyncio.Lock()
        self._has_large = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def ids(self) -> Iterable[int]:
        """The executions that they are of, those included that are just being handed in."""
        return self._all.keys()

    @property
    def has_alone(self) -> bool:
        """Whether some of them are recorded alone."""
        return bool(self._alone)

    def add(self, result: Result, above: Sequence[int] = (), *, handed: bool = False) -> bool:
        """Keep a result until it is recorded, and tell whether its place is to be kept for so long.

        `above` are the executions that it is a part of. None of these is recorded before a part that is recorded alone:
        nobody would learn of the part's end if the worker died in between. Where it is `handed` to another worker it
        waits for no part: that worker starts them anew. A large result that changes static data is not recorded alone:
        the next execution of the workflow is to see the change.
        """
        self._all[result.id] = result
        if self._shares is not None:
            self._shares.keep_record(_length(result))
        large = is_large(result) and not result.static_data
        if large or (not handed and any(result.id in whole for whole in self._alone.values())):
            self._alone[result.id] = above
            if handed:
                self._handed.add(result.id)
            self._large.insert(0 if handed else len(self._large), result)
            self._has_large.set()
        else:
            self._small.append(result)
            self._wake.hand_in()
        return large

    def take(self) -> list[Result]:
        """Small results, so many as are not large together: of the others the next call is told at once."""
        number = size = 0
        for result in self._small:
            size += size_of(result)
            if number and size > LARGE_BYTES:
                self._wake.hand_in()
                break
            number += 1
        results, self._small = self._small[:number], self._small[number:]
        return results

    async def take_large(self) -> Result:
        """The next of those that are recorded alone, as soon as there is one and no claim lasts that began before."""
        while (result := self._next_large()) is None:
            self._has_large.clear()
            await self._has_large.wait()
        self._large.remove(result)
        async with self._claiming:
            return result

    def _next_large(self) -> Result | None:
        """The first that waits for no part of it."""
        wholes = set().union(*self._alone.values())
        return next((each for each in self._large if each.id in self._handed or each.id not in wholes), None)

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[list[int]]:
        """While this lasts something is claimed, but not those whose ids it gives."""
        async with self._claiming:
            yield [*self._alone, *self._sent]

    def give_back(self, results: Sequence[Result]) -> None:
        """Keep results that were taken and could not be recorded, as far as is known.

        Those that are recorded alone come after the others of these: one that cannot be recorded keeps none waiting.
        """
        wanted = [result for result in results if self._all.get(result.id) is result]
        self._small[:0] = small = [result for result in wanted if result.id not in self._alone]
        self._sent.update(result.id for result in small)
        self._large += [result for result in wanted if result.id in self._alone]
        self._has_large.set()

    async def drop(self, results: Iterable[Result]) -> None:
        """These are recorded, or nobody wants them any more."""
        dropped = [self._all.pop(result.id) for result in results if self._all.get(result.id) is result]
        if self._sent.intersection(result.id for result in dropped):
            self._wake.set()  # what of them waits may be claimed now
        for result in dropped:
            self._alone.pop(result.id, None)
            self._handed.discard(result.id)
            self._sent.discard(result.id)
        self._has_large.set()
        if self._shares is not None and dropped:
            await self._shares.drop_records(sum(map(_length, dropped)))

    async def drop_all(self) -> None:
        """Nobody wants any of them any more."""
        self._small, self._large = [], []
        await self.drop(list(self._all.values()))


def is_large(result: Result) -> bool:
    """Whether it takes PostgreSQL so long that others are not to wait for it."""
    return size_of(result) > LARGE_BYTES


def size_of(result: Result) -> int:
    """About the bytes that it takes to record it, of those parts that may be long."""
    parts = [result.answer, result.waiting_node, result.input_preview, *(change.data for change in result.static_data)]
    parts += [result.data.content, result.data.index] if isinstance(result.data, Encoded) else [result.data]
    return sum(map(len, filter(None, parts)))


def _length(result: Result) -> int:
    return len((result.data.content if isinstance(result.data, Encoded) else result.data) or b"")
