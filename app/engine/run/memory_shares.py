"""How much memory the data of all runs of one worker takes together, and what of it each run and project may have.

A project has three quarters of it at most, so that it leaves some to others. A run that holds little may hold that
little whatever the others hold: all of those that a worker may run at once take a quarter more at most.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from app.engine.run.meter import TooMuchData

SETTING = "EXECUTIONS_WORKER_BYTES"
SMALL_RECORD = 2**24
"""Bytes of a record that is written whatever else is written at the same time."""


class TooMuchTogether(TooMuchData):
    """The runs of a worker, or those of one project in it, would take more memory than they may."""

    def __init__(self, whose: str, limit: int) -> None:
        super().__init__(
            limit,
            f"The data of {whose} takes more memory of its worker than it may: {limit / 2**20:,.0f} MiB ({SETTING})",
            f"Run fewer executions at once or handle less data in each, start more workers, or set {SETTING} to allow"
            " more.",
        )


class MemoryShares:
    """The memory of one worker's runs, of which there are at most `runs` at once; `limit` in bytes."""

    def __init__(self, limit: int, runs: int) -> None:
        self._limit = limit
        self._of_project = limit * 3 // 4
        self.small = limit // (4 * runs)
        """What each run may hold whatever the others hold."""
        self.used = 0
        self._projects: dict[str, int] = {}
        self._lock = threading.Lock()
        self._written = 0
        self._writing_ends = asyncio.Condition()

    @property
    def tight(self) -> bool:
        """Whether half of it is taken: executions that could as well wait are better not begun."""
        return self.used > self._limit // 2

    def of_run(self, project_id: str) -> "Share":
        """What a run of this project holds of it: nothing yet."""
        return Share(self, project_id)

    def left(self, project_id: str) -> int:
        """How much more the runs of this project may hold."""
        return min(self._limit - self.used, self._of_project - self._projects.get(project_id, 0))

    def refusal(self, project_id: str, size: int) -> TooMuchTogether:
        """What is said where it is not so much."""
        if size > self._of_project - self._projects.get(project_id, 0):
            return TooMuchTogether("the executions of this project", self._of_project)
        return TooMuchTogether("the executions of all projects", self._limit)

    def take(self, share: "Share", size: int) -> None:
        """Count what a run holds from now on, or no longer. Nodes may compute in threads."""
        with self._lock:
            share.held += size
            self.used += size
            if held := self._projects.get(share.project_id, 0) + size:
                self._projects[share.project_id] = held
            else:
                self._projects.pop(share.project_id, None)

    @asynccontextmanager
    async def writing(self, size: int) -> AsyncIterator[None]:
        """While this lasts a record of about `size` bytes is written: of large ones as many at once as there is room
        for beside those that wait for PostgreSQL, one at least. They are on their way out and are not refused, but wait
        for each other."""
        if size <= SMALL_RECORD:
            yield
            return
        async with self._writing_ends:
            await self._writing_ends.wait_for(lambda: not self._written or self._written + size <= self._limit)
            self._written += size
        try:
            yield
        finally:
            self._written -= size
            async with self._writing_ends:
                self._writing_ends.notify_all()

    def keep_record(self, size: int) -> None:
        """A record of `size` bytes was written, and waits for PostgreSQL."""
        self._written += size

    async def drop_records(self, size: int) -> None:
        """Records of `size` bytes together do not wait any more."""
        self._written -= size
        async with self._writing_ends:
            self._writing_ends.notify_all()


class Share:
    """What one run holds of its worker's memory: its data, and what its nodes collect meanwhile."""

    def __init__(self, shares: MemoryShares, project_id: str) -> None:
        self.shares = shares
        self.project_id = project_id
        self.held = 0

    @property
    def left(self) -> int:
        """How much more the run may hold; below 0 where it holds too much already."""
        return max(self.shares.small - self.held, self.shares.left(self.project_id))

    def check(self, size: int) -> None:
        """Raises TooMuchTogether where the run may not hold so much more."""
        if size > 0 and size > self.left:
            raise self.shares.refusal(self.project_id, size)

    def take(self, size: int) -> None:
        """Count what the run holds from now on, or no longer where `size` is below 0."""
        if size:
            self.shares.take(self, size)

    def writing(self, size: int) -> AbstractAsyncContextManager[None]:
        """While this lasts, its record of about `size` bytes is written; waits while others write much."""
        return self.shares.writing(size)

    def end(self) -> None:
        """The run is over."""
        self.take(-self.held)
