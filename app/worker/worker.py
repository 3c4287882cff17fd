"""The worker process: one asyncio loop that keeps as many executions running as it has room for.

These go on at once: the exchange with PostgreSQL (results out, claims in), the records that are too large for it, the
beat (lease, stops, reaping; in a thread of its own) and the helpers. All state is in PostgreSQL; a worker that dies
loses nothing but its running executions, and those become `crashed`.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from app.engine.sandbox import Sandbox
from app.repository.connection import UNREACHABLE
from app.repository.lifecycle import NO_EXTRA_PLACES, Result
from app.settings import Settings
from app.telemetry.spans import SpanCounts
from app.worker.alone import Alone
from app.worker.beat import STANDSTILL_SECONDS, Beat, BeatThread
from app.worker.database import Pools, open_worker_pool
from app.worker.exchange import Exchange
from app.worker.free_places import FreePlaces
from app.worker.helpers import Helpers, helpers_of, refuse_to_go_on_without
from app.worker.leaving import Leaving
from app.worker.parts import Parts
from app.worker.tally import Tally
from app.worker.wake import Wake
from app.worker.watchdog import Pulse

log = logging.getLogger(__name__)

T = TypeVar("T")
DRAIN_SECONDS = 5.0  # after SIGTERM, what runs may end by itself for so long; then it is handed over
DRAIN_LOOK_SECONDS = 0.2
MAX_PAUSE = 2.0  # seconds between two attempts to reach PostgreSQL


class Worker:
    """Claims, runs and records executions until `stop` is called."""

    def __init__(self, settings: Settings, pools: Pools, sandbox: Sandbox) -> None:
        self._settings = settings
        self._pools = pools
        self._wake = Wake()
        self._parts = Parts(settings, pools, sandbox, self._wake)
        self._held = self._parts.held
        self._places = FreePlaces(settings, self._held, self._parts.shares, self._wake)
        self._stopping = asyncio.Event()
        self.leaving = Leaving(self._records_alone)
        self.pulse = Pulse()
        self.beat: Beat | None = None
        self.tally = Tally()

    @property
    def turns(self) -> bool:
        """Whether the loop still does anything at all."""
        return self.pulse.silence < self._settings.node_seconds + STANDSTILL_SECONDS

    @property
    def is_stopping(self) -> bool:
        """Whether nothing new is begun any more."""
        return self._stopping.is_set()

    @property
    def spans(self) -> SpanCounts | None:
        """What has become of its spans; None where nobody wants traces."""
        return None if self._parts.tracing is None else self._parts.tracing.counts

    @property
    def running(self) -> int:
        """How many executions run."""
        return len(self._held.running)

    def observe_runs(self, observe: Callable[[str, float], None]) -> None:
        """Let this be told of each execution that has ended or waits: what became of it, and how long it ran."""
        self._held.observe = observe

    def hand_over(self, execution_id: int) -> None:
        """If this one is cut short, it is for another worker to go on with."""
        self._held.hand_over(execution_id)

    def stop(self) -> None:
        """Claim nothing more, let what runs end or hand it over, and return from `run` while `leaving` lasts."""
        self.leaving.begin()
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped. A lapsed lease makes this worker start anew under another id."""
        parts = self._parts
        async with parts.sandbox, parts.outgoing, parts.credentials, parts.host:
            turning = asyncio.ensure_future(self.pulse.run())
            serving = asyncio.ensure_future(self._serve_on())
            leaving = asyncio.ensure_future(self._time_to_leave())
            await asyncio.wait([serving, leaving], return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            turning.cancel()
            if not serving.done():
                log.error("worker leaves without having signed off", extra={"unrecorded": self._held.count})
                serving.cancel()
                await asyncio.wait([serving])
            elif error := serving.exception():
                raise error
        parts.leave_threads()

    def close(self) -> None:
        """Send the last spans, if there are any and the collector takes them at once."""
        if self._parts.tracing is not None:
            self._parts.tracing.close()

    async def _serve_on(self) -> None:
        while not self._stopping.is_set():
            await self._serve()

    async def _time_to_leave(self) -> None:
        await self._stopping.wait()
        await self.leaving.run()

    def _records_alone(self) -> bool:
        """Whether what is recorded alone is on its way to a PostgreSQL that answers."""
        beat = self.beat
        return self._held.unrecorded.has_alone and beat is not None and beat.reaches_database and not beat.lost

    async def _serve(self) -> None:
        """Work under one registration, until stopped or until its lease is lost."""
        worker_id = await self._register_unless_stopped()
        if worker_id is None:
            return
        self._held.worker_id = worker_id
        log.info("worker ready", extra={"worker": worker_id, "concurrency": self._settings.concurrency})
        with self._beating(worker_id) as beat:
            await self._work(worker_id, beat)

    async def _work(self, worker_id: int, beat: Beat) -> None:
        """Claim, run and record until stopped, or until the lease is lost."""
        parts = self._parts
        exchange = Exchange(
            self._pools.usual,
            parts.vault,
            worker_id,
            parts.packages.lacked_types,
            parts.known_problems,
            own=parts.types,
            traced=parts.tracing is not None,
        )
        alone = Alone(parts, self._pools.large, worker_id, beat, self._wake, self._tell, self._pause)
        beside = partial(self._watch_lease, beat), alone.run
        async with helpers_of(self._settings, parts, self._wake, self._stopping.is_set, *beside) as helpers:
            while not (self._stopping.is_set() or beat.lost):
                await self._wake.wait(self._settings.poll_seconds)
                claiming = parts.packages.ready and not self._stopping.is_set()
                await self._exchange(exchange, beat, claiming=claiming)
                refuse_to_go_on_without(helpers)
            if beat.lost:
                await self._abandon()
            else:
                await self._drain(exchange, beat, helpers)
                await self._persistently(partial(self._parts.registry.retire, worker_id))

    async def _exchange(self, exchange: Exchange, beat: Beat, *, claiming: bool) -> None:
        """Hand in what ended and fill the free places; keeps the results when PostgreSQL cannot be reached."""
        held = self._held
        results = held.unrecorded.take()
        if beat.lost:
            # What was cut short because of that is not canceled: others say that it has crashed.
            await held.let_go(results)
            return
        free, extra = self._places.count(claiming=claiming)
        if results and not self._wake.queue_changed:
            free, extra = 0, NO_EXTRA_PLACES
        elif not results and not self._places.worth_a_look(free, extra):
            return
        if free > 0:
            self._wake.queue_changed = False
        async with held.known() as known:
            try:
                async with held.unrecorded.claiming() as unclaimed:
                    call = partial(exchange, results, free, known, extra, unclaimed)
                    exchanged = await self._parts.database.in_thread(call)
            except UNREACHABLE as error:
                # The answer may have been lost on its way, and with it what was claimed.
                held.may_hold_more = True
                held.unrecorded.give_back(results)
                await self._pause(error)
                self._wake.set()
                return
            await held.let_go(results)
            for assignment in exchanged.assignments:
                beat.claimed(assignment.claim)
                held.start(assignment)
        self.tally.claims += len(exchanged.assignments)
        if 0 < free <= len(exchanged.assignments):
            self._wake.set()
        await self._tell(results, exchanged.recorded, beat)

    async def _tell(self, results: Sequence[Result], recorded: set[int], beat: Beat) -> None:
        """Count these results, of which those were `recorded` that were still wanted, and send their spans."""
        for result in results:
            if result.id in recorded:
                self.tally.results += 1
            else:
                self.tally.late_results += 1
                beat.late_results += 1
                log.warning("late result dropped", extra={"execution": result.id, "status": result.status})
        if results and self._parts.tracing is not None:
            await self._parts.tracing.send([result.id for result in results], recorded)

    async def _pause(self, error: Exception) -> None:
        """Wait before PostgreSQL is tried again after this error; not for long when this worker is about to go."""
        log.warning("PostgreSQL cannot be reached", extra={"reason": str(error).strip()})
        await asyncio.sleep(0.1 if self._stopping.is_set() else random.uniform(0.1, MAX_PAUSE))

    @contextlib.contextmanager
    def _beating(self, worker_id: int) -> Iterator[Beat]:
        """Beat while this lasts, over a connection that nothing else waits for."""
        settings, loop = self._settings, asyncio.get_running_loop()

        def abort(execution_id: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._held.abort, execution_id)

        pool = open_worker_pool(settings, size=1, name="beat")
        tracing = self._parts.tracing
        tell_ended = None if tracing is None else tracing.send_ended
        beat = Beat(settings, pool, worker_id, self._parts.clock, tell_ended)
        thread = BeatThread(
            beat,
            held=lambda: list(self._held.running),
            abort=abort,
            loop_turns=lambda: self.turns,
        )
        thread.start()
        self.beat = beat
        try:
            yield beat
        finally:
            self.beat = None
            thread.end()
            pool.close(timeout=0)

    async def _watch_lease(self, beat: Beat) -> None:
        """Stop all that runs once the lease is lost; others give it up."""
        ended_before = self._parts.processes_ended
        while not beat.lost:
            beat.sandbox_kills = self._parts.processes_ended - ended_before
            await asyncio.sleep(min(beat.interval, beat.seconds_left))
        # Not left to the exchange, which may wait for PostgreSQL as well: what was given up must not go on.
        for execution_id in list(self._held.running):
            self._held.abort(execution_id)
        self._wake.set()

    async def _abandon(self) -> None:
        """The lease is lost: others have given up what runs here, so its results are worth nothing."""
        log.error("lease lost", extra={"abandoned": self._held.count})
        await self._held.cut_short()
        await self._held.forget_all()

    async def _drain(self, exchange: Exchange, beat: Beat, helpers: Helpers) -> None:
        """Record what ends by itself soon, hand over the rest as waiting for another worker."""
        held = self._held
        log.info("worker drains", extra={"running": len(held.running)})
        while held.running and self.leaving.lasts(DRAIN_SECONDS):
            await asyncio.wait(held.running.values(), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            await self._exchange(exchange, beat, claiming=False)
        held.handing_over = True
        cutting = asyncio.ensure_future(held.cut_short())  # one that starts a sub-workflow ends only then
        while held.unrecorded or not cutting.done():
            await self._exchange(exchange, beat, claiming=False)
            if held.unrecorded or not cutting.done():
                refuse_to_go_on_without(helpers)
                await self._wake.wait(DRAIN_LOOK_SECONDS)

    async def _persistently(self, work: Callable[[], T]) -> T:
        """Do database work until it succeeds."""
        while True:
            try:
                return await self._parts.database.in_thread(work)
            except UNREACHABLE as error:
                await self._pause(error)

    async def _register_unless_stopped(self) -> int | None:
        """The id of this worker's new registration; None when it was stopped before PostgreSQL could be reached."""
        registering = asyncio.ensure_future(self._persistently(self._parts.registry.register))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([registering, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if registering.done():
            return registering.result()
        registering.cancel()
        return None
