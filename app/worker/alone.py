"""Records large results one by one, beside the exchange, so that small ones need not wait for them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from psycopg_pool import ConnectionPool

from app.engine.run.errors import forget_frames
from app.repository.connection import NO_ROOM, UNREACHABLE, Connection, is_refusal
from app.repository.lifecycle import Result
from app.worker.beat import Beat
from app.worker.exchange import UNSTORABLE, record_alone, record_without_data
from app.worker.parts import Parts
from app.worker.refusals import ATTEMPTS, pause_after
from app.worker.wake import Wake

log = logging.getLogger(__name__)

NO_ROOM_PAUSE = 10.0
"""Seconds between two attempts on a full disk, of which there may be any number."""


@dataclass(frozen=True)
class Alone:
    """What records these results under one registration of a worker; nobody wants them once the lease is lost.

    `tell` is told of each and whether it was still wanted, `wake` that there is more room, and that what waits may go
    on here. `pause` lasts until PostgreSQL is tried again after an error.

    One that PostgreSQL refuses, though it can be reached, is tried again beside the others and fails in the end.
    """

    parts: Parts
    pool: ConnectionPool[Connection]
    worker_id: int
    beat: Beat
    wake: Wake
    tell: Callable[[Sequence[Result], set[int], Beat], Awaitable[None]]
    pause: Callable[[Exception], Awaitable[None]]
    refusals: Counter[int] = field(default_factory=Counter)
    """How often each of them has been refused, attempts on a full disk not counted."""

    async def run(self) -> None:
        """Record each as it comes."""
        while True:
            await self._record_next()  # which keeps nothing of it while the next one is waited for

    async def _record_next(self) -> None:
        held = self.parts.held
        result = await held.unrecorded.take_large()
        if not self.beat.lost:
            try:
                recorded = await self.parts.large_records.in_thread(partial(self._record, result))
            except UNREACHABLE as error:
                forget_frames(error)
                await self._keep(result, error)
                return
            await self.tell([result], recorded, self.beat)  # before: a worker goes once nothing is unrecorded
        self.refusals.pop(result.id, None)
        await held.let_go([result])
        self.wake.set()

    def _record(self, result: Result) -> set[int]:
        try:
            return record_alone(self.pool, self.worker_id, result, self.parts.known_problems)
        except UNREACHABLE as error:
            # On a full disk it waits: when there is room again, nothing is lost.
            waits = isinstance(error, NO_ROOM) or not is_refusal(error)
            if waits or self.refusals[result.id] + 1 < ATTEMPTS:
                raise
            reason = f"PostgreSQL has refused it {ATTEMPTS} times ({error.diag.message_primary})"
            log.error("result refused", extra={"execution": result.id, "reason": reason})
            return record_without_data(self.pool, self.worker_id, result, f"{UNSTORABLE}: {reason}")

    async def _keep(self, result: Result, error: Exception) -> None:
        """Keep a result that could not be recorded, behind the others that are recorded alone."""
        unrecorded = self.parts.held.unrecorded
        if not is_refusal(error):
            unrecorded.give_back([result])
            await self.pause(error)
            return
        seconds = NO_ROOM_PAUSE
        if not isinstance(error, NO_ROOM):
            self.refusals[result.id] += 1
            seconds = pause_after(self.refusals[result.id])
        log.warning("result refused for now", extra={"execution": result.id, "reason": str(error).strip()})
        asyncio.get_running_loop().call_later(seconds, unrecorded.give_back, [result])
