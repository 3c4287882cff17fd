"""Tasks of which a worker has a bounded number at the same time, and which end with it."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from types import TracebackType
from typing import Self


class TaskSet:
    """An asynchronous context manager, which cuts short at its end what still goes on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: dict[asyncio.Task[None], str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def room(self) -> int:
        """How many more there may be now."""
        return self._most - len(self._tasks)

    @property
    def by_project(self) -> Counter[str]:
        """How many go on now, by the project that they were started for."""
        return Counter(list(self._tasks.values()))

    def start(self, work: Coroutine[None, None, None], project_id: str = "") -> None:
        """Let it go on beside everything else."""
        task = asyncio.create_task(work)
        self._tasks[task] = project_id
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
