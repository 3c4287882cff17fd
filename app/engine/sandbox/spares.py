"""Processes that are started before anybody needs them, so that taking a fresh one costs nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from app.engine.sandbox.process import Launch, NodeProcess


class Spares:
    """Fresh processes of one kind; `count` of them are kept warm from when the first is taken."""

    def __init__(self, launch: Callable[[], Launch], count: int) -> None:
        self._launch = launch
        self._count = count
        self._tasks: deque[asyncio.Task[NodeProcess]] = deque()

    @property
    def pids(self) -> list[int]:
        """The processes that wait to be taken."""
        return [process.pid for process in self._started_processes() if process.alive]

    async def warm(self) -> None:
        """Have one ready at least. Raises SandboxError when none can be started."""
        if not self._tasks:
            self._tasks.append(self._start())
        await asyncio.shield(self._tasks[0])

    async def take(self) -> NodeProcess:
        """A process that has run nothing yet; it is the caller's from now on. Raises SandboxError."""
        while True:
            task = self._next_task()
            self.fill()
            try:
                process = await asyncio.shield(task)
            except asyncio.CancelledError:
                if not task.cancelled():
                    self._tasks.appendleft(task)
                raise
            if process.alive:
                return process

    def _next_task(self) -> asyncio.Task[NodeProcess]:
        while self._tasks:
            task = self._tasks.popleft()
            # What kept an earlier one from starting may be over.
            if not task.done() or (not task.cancelled() and task.exception() is None):
                return task
        return self._start()

    def fill(self) -> None:
        """Start what is missing."""
        while len(self._tasks) < self._count:
            self._tasks.append(self._start())

    async def close(self) -> None:
        """End all that wait. Nothing may be taken afterwards."""
        self._count = 0
        tasks = list(self._tasks)
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        for given in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(given, NodeProcess):
                await given.close()

    def _start(self) -> asyncio.Task[NodeProcess]:
        task = asyncio.create_task(NodeProcess.start(self._launch()))
        # One that nobody has waited for yet may fail; whoever takes it is told.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task

    def _started_processes(self) -> list[NodeProcess]:
        return [each.result() for each in self._tasks if each.done() and not each.cancelled() and not each.exception()]
