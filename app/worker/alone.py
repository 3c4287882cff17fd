"""Records beside the exchange, one by one, what is recorded alone."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from psycopg_pool import ConnectionPool

from app.engine.run.errors import forget_frames
from app.repository.connection import UNREACHABLE, Connection
from app.repository.lifecycle import Result
from app.worker.beat import Beat
from app.worker.exchange import record_alone
from app.worker.parts import Parts
from app.worker.wake import Wake


@dataclass(frozen=True)
class Alone:
    """What records these results under one registration of a worker; nobody wants them once the lease is lost.

    `tell` is told of each and whether it was still wanted, `wake` that there is more room, and that what waits may go
    on here. `pause` lasts until PostgreSQL is tried again after an error.
    """

    parts: Parts
    pool: ConnectionPool[Connection]
    worker_id: int
    beat: Beat
    wake: Wake
    tell: Callable[[Sequence[Result], set[int], Beat], Awaitable[None]]
    pause: Callable[[Exception], Awaitable[None]]

    async def run(self) -> None:
        """Record each as it comes."""
        while True:
            await self._record_next()  # which keeps nothing of it while the next one is waited for

    async def _record_next(self) -> None:
        held = self.parts.held
        result = await held.unrecorded.take_large()
        if not self.beat.lost:
            record = partial(record_alone, self.pool, self.worker_id, result, self.parts.known_problems)
            try:
                recorded = await self.parts.large_records.in_thread(record)
            except UNREACHABLE as error:
                held.unrecorded.give_back([result])
                forget_frames(error)
                await self.pause(error)
                return
            await self.tell([result], recorded, self.beat)  # before: a worker goes once nothing is unrecorded
        await held.let_go([result])
        self.wake.set()
