"""The processes of one worker, distributed among owners: each project has its own, and none ever gets another's.

An owner's process is kept for as long as it is used now and then. When there are as many as there may be, the one
that was idle for longest ends for a project that has none. When none is idle, those who wait get the next one that
is free, first come, first served; so that one becomes free, one process takes no more requests: of the project that has
most, the one that was held for longest. What a project gets serves all its requests that wait. None waits for longer
than `wait_seconds`.

A request that has not begun leaves a process that another one holds as soon as its project has, or may have, a process
that is not held. One that is urgent leaves it at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from app.engine.sandbox.errors import SandboxBusy, SandboxError
from app.engine.sandbox.interpreter import Interpreter
from app.engine.sandbox.lanes import Key, Lane, Lanes, ProcessKind
from app.engine.sandbox.requests import Ask, Channel, Moved
from app.engine.sandbox.spares import Spares

# A process that was not used for this long ends.
IDLE_SECONDS = 60.0


@dataclass(eq=False, slots=True)
class Waiter:
    """A request of a project that has no process."""

    key: Key
    future: asyncio.Future[Lane]


class Pool:
    """At most `processes` that serve owners, and warm ones beside them. One ends that was idle for `idle_seconds`.

    A request of an owner that has none waits for `wait_seconds` at most (None: for as long as it takes).
    """

    def __init__(
        self,
        kinds: Mapping[str, ProcessKind],
        *,
        processes: int,
        idle_seconds: float = IDLE_SECONDS,
        wait_seconds: float | None = None,
    ) -> None:
        self._kinds = kinds
        self._idle_seconds = idle_seconds
        self._wait_seconds = wait_seconds
        self._spares = {mode: Spares(kind.launch, kind.spares) for mode, kind in kinds.items()}
        self._lanes = Lanes(kinds, processes)
        self._waiters: deque[Waiter] = deque()
        self._ended = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """All processes that run now."""
        serving = [lane.interpreter.pid for lane in self._lanes]
        return [pid for pid in serving if pid is not None] + [
            pid for spares in self._spares.values() for pid in spares.pids
        ]

    @property
    def ended(self) -> int:
        """How many processes were killed at a limit of time or memory, or died by themselves."""
        return self._ended + sum(lane.interpreter.ended for lane in self._lanes)

    async def start(self, mode: str) -> None:
        """Have a process of this kind ready, others on their way. Raises SandboxError when none can be started."""
        await self._spares[mode].warm()
        for spares in self._spares.values():
            spares.fill()

    async def request(
        self,
        mode: str,
        owner: str,
        payload: bytes,
        limit: float,
        ask: Ask | None = None,
        channel: Channel | None = None,
        *,
        urgent: bool = False,
    ) -> bytes:
        """The answer of one of the owner's processes; raises what Interpreter.request raises.

        Raises SandboxBusy where others hold all processes for too long. Raises Moved where it is `urgent`, and would
        wait for that, or for other requests of its owner that hold all processes that this one may have.
        """
        while True:
            if urgent and self._lanes.all_held((mode, owner)) and not self._may_have_more((mode, owner)):
                raise Moved
            lane = await self._lane((mode, owner), urgent=urgent)
            lane.used_at = asyncio.get_running_loop().time()
            try:
                return await lane.interpreter.request(payload, limit, ask, channel, urgent=urgent)
            except Moved:
                continue

    async def close(self) -> None:
        """End all processes; requests in flight fail."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for waiter in self._waiters:
            if not waiter.future.done():
                waiter.future.set_exception(SandboxError("The sandbox is closed"))
        for spares in self._spares.values():
            await spares.close()
        for lane in list(self._lanes):
            await lane.interpreter.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _lane(self, key: Key, *, urgent: bool) -> Lane:
        if self._closed:
            raise SandboxError("The sandbox is closed")
        lane = self._lane_of_project(key) or self._first_lane(key)
        if lane is not None:
            return lane
        waiter = Waiter(key, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._serve_waiters()
        if urgent and not waiter.future.done():
            self._waiters.remove(waiter)
            raise Moved
        try:
            async with asyncio.timeout(self._wait_seconds):
                lane = await waiter.future
        except TimeoutError:
            self._give_up(waiter)
            raise SandboxBusy(f"No process was free within {self._wait_seconds:g} seconds") from None
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        lane.interpreter.expected -= 1
        return lane

    def _give_up(self, waiter: Waiter) -> None:
        """Nobody waits for this one any more; what it was given meanwhile is free for others."""
        if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
            lane = waiter.future.result()
            lane.interpreter.expected -= 1
            self._became_idle(lane)
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _lane_of_project(self, key: Key) -> Lane | None:
        """The project's process with the least to do, or one more where there is room for it."""
        least = self._lanes.least_busy(key)
        if least is None:
            return None
        return self._open(key) if least.interpreter.load > 0 and self._may_have_more(key) else least

    def _may_have_more(self, key: Key) -> bool:
        """Whether the project may have one more; not while others wait."""
        return not self._waiters and self._lanes.may_grow(key)

    def _relieve(self, lane: Lane) -> None:
        """One request holds the process; those that have not begun go to another of the project, if there is any."""
        free = self._lanes.has_free_beside(lane) or self._may_have_more(lane.key)
        lane.interpreter.hand_on(urgent=not free)

    def _first_lane(self, key: Key) -> Lane | None:
        """A process for a project that has none, unless others wait already or all are busy."""
        return self._open(key) if not self._waiters and self._has_room() else None

    def _has_room(self) -> bool:
        if self._lanes.places() > 0:
            return True
        idle = self._lanes.longest_idle()
        if idle is not None:
            self._drop(idle)
        return idle is not None

    def _open(self, key: Key) -> Lane:
        now = asyncio.get_running_loop().time()
        kind, spares = self._kinds[key[0]], self._spares[key[0]]
        interpreter = Interpreter(
            key[0],
            kind.traits,
            spares,
            kind.heap_bytes,
            on_idle=lambda _: self._became_idle(lane),
            on_held=lambda _: self._relieve(lane),
        )
        lane = Lane(key, interpreter, now, now)
        self._lanes.add(lane)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._idle_seconds / 2, self._end_unused)
        return lane

    def _drop(self, lane: Lane) -> None:
        """End a process that has nothing to do."""
        if not self._lanes.remove(lane):
            return
        self._ended += lane.interpreter.ended
        task = asyncio.create_task(lane.interpreter.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _became_idle(self, lane: Lane) -> None:
        if self._closed or lane.interpreter.load > 0:
            return
        if lane.interpreter.retiring:
            self._drop(lane)
        self._serve_waiters()

    def _serve_waiters(self) -> None:
        """Give those who wait a process, first come, first served, as long as there is room."""
        if not self._waiters:
            return
        self._lanes.retire(len({waiter.key for waiter in self._waiters}))
        while self._waiters and self._has_room():
            key = self._waiters[0].key
            served = [waiter for waiter in self._waiters if waiter.key == key]
            self._waiters = deque(waiter for waiter in self._waiters if waiter.key != key)
            if due := [waiter for waiter in served if not waiter.future.done()]:
                given = self._open(key)
                given.interpreter.expected += len(due)
                for waiter in due:
                    waiter.future.set_result(given)

    def _end_unused(self) -> None:
        now = asyncio.get_running_loop().time()
        for lane in list(self._lanes):
            if lane.interpreter.load == 0 and now - lane.used_at > self._idle_seconds:
                self._drop(lane)
        self._sweep = None
        if self._lanes:
            self._sweep = asyncio.get_running_loop().call_later(self._idle_seconds / 2, self._end_unused)
