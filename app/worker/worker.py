"""The worker process: one asyncio loop that keeps as many executions running as it has room for.

Three things go on at once: the exchange with PostgreSQL (results out, claims in), the beat (lease, stops,
reaping) and the hints. All state is in PostgreSQL; a worker that dies loses nothing but its running
executions, and those become `crashed`.
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg_pool import ConnectionPool

from app.engine.children import below, outcome_of, run_document
from app.engine.errors import NodeError
from app.engine.outgoing import Outgoing
from app.engine.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run import Outcome
from app.engine.sandbox import Sandbox
from app.repository import workers
from app.repository.connection import Connection, open_pool, transaction
from app.repository.lifecycle import Result
from app.repository.notifications import listen
from app.repository.triggers import answer_now
from app.settings import Settings
from app.signatures import Signer
from app.worker.alarm import Alarm
from app.worker.beat import Beat
from app.worker.children import queue_child, start_child
from app.worker.clock import Clock
from app.worker.credentials import Credentials
from app.worker.deleter import delete_in_background
from app.worker.exchange import Assignment, Exchange
from app.worker.failures import Failures
from app.worker.histories import Histories
from app.worker.pruner import Pruner
from app.worker.reach import Reach
from app.worker.runs import BROKEN, handed_over, run
from app.worker.schedules import Schedules

log = logging.getLogger(__name__)

T = TypeVar("T")
UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)
DRAIN_SECONDS = 5.0  # after SIGTERM, what runs may end by itself for so long; then it is handed over
LEAVE_SECONDS = 8.5  # after SIGTERM, the worker goes, whether PostgreSQL has heard of it or not
LONGEST_PAUSE = 2.0  # seconds between two attempts to reach PostgreSQL


class Worker:
    """Claims, runs and records executions until `stop` is called."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection], sandbox: Sandbox) -> None:
        self._settings = settings
        self._pool = pool
        self._sandbox = sandbox
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="postgresql")
        self._outgoing = Outgoing(settings.allowed_hosts)
        self._clock = Clock()
        self._reach = Reach(
            settings=settings,
            signer=Signer(settings),
            credentials=Credentials(settings, pool, self._threads),
            outgoing=self._outgoing,
            histories=Histories(pool, self._threads),
            clock=self._clock,
            start_child=self._run_child,
            send_answer=self._send_answer,
        )
        self._worker_id = 0
        self._running: dict[int, asyncio.Task[Outcome | None]] = {}
        self._results: list[Result] = []
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped_at = 0.0
        self._handing_over = False
        # What this worker holds and what it knows of are the same while nobody else has the lock.
        self._holding = asyncio.Lock()
        self._may_hold_more = False

    def stop(self) -> None:
        """Claim nothing more, let what runs end or hand it over, and return from `run` within LEAVE_SECONDS."""
        if not self._stopping.is_set():
            self._stopped_at = time.monotonic()
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped. A lapsed lease makes this worker start anew under another id."""
        async with self._sandbox, self._outgoing:
            while not self._stopping.is_set():
                await self._serve()
        # A thread that still waits for a connection is woken when its pool closes.
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _serve(self) -> None:
        """Work under one registration, until stopped or until its lease is lost."""
        worker_id = await self._register_unless_stopped()
        if worker_id is None:
            return
        self._worker_id = worker_id
        log.info("worker ready", extra={"worker": worker_id, "concurrency": self._settings.concurrency})
        beat = Beat(self._settings, self._pool, worker_id, self._clock)
        exchange = Exchange(self._pool, worker_id)
        pruner, schedules = Pruner(self._settings, self._pool), Schedules(self._settings, self._pool)
        alarm = Alarm(self._pool, self._wake.set)
        helpers = [
            asyncio.create_task(work)
            for work in (
                self._follow_hints(),
                self._keep_beating(beat),
                pruner.run(self._in_thread),
                schedules.run(self._in_thread),
                delete_in_background(self._pool, self._in_thread),
                alarm.run(self._in_thread),
                Failures(self._settings, self._pool).run(self._in_thread),
            )
        ]
        try:
            while not (self._stopping.is_set() or beat.lost):
                await self._wait_for_something_to_do()
                await self._exchange(exchange, beat, claiming=not self._stopping.is_set())
                refuse_to_go_on_without(helpers)
            if beat.lost:
                await self._abandon()
            else:
                await self._leave(exchange, beat)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _wait_for_something_to_do(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._settings.poll_seconds)
        self._wake.clear()

    async def _exchange(self, exchange: Exchange, beat: Beat, *, claiming: bool) -> None:
        """Hand in what ended and fill the free places; keeps the results when PostgreSQL cannot be reached."""
        results, self._results = self._results, []
        free = self._settings.concurrency - len(self._running) if claiming else 0
        if not results and free < 1:
            return
        async with self._holding if self._may_hold_more else contextlib.nullcontext():
            held = [*self._running, *(result.id for result in results)] if self._may_hold_more else None
            try:
                exchanged = await self._in_thread(lambda: exchange(results, free, held))
            except UNREACHABLE as error:
                # The answer may have been lost on its way, and with it what was claimed.
                self._may_hold_more = True
                self._results = results + self._results
                log.warning("PostgreSQL cannot be reached", extra={"reason": str(error).strip()})
                await self._pause()
                self._wake.set()
                return
            for assignment in exchanged.assignments:
                beat.claimed(assignment.claim)
                self._start(assignment)
            if held is not None:
                self._may_hold_more = False
        for result in results:
            if result.id not in exchanged.recorded:
                beat.late_results += 1
                log.warning("late result dropped", extra={"execution": result.id, "status": result.status})
        if len(exchanged.assignments) == free:
            self._wake.set()

    async def _pause(self) -> None:
        """Wait before PostgreSQL is tried again; not for long when this worker is about to go."""
        await asyncio.sleep(0.1 if self._stopping.is_set() else random.uniform(0.1, LONGEST_PAUSE))

    def _start(self, assignment: Assignment) -> "asyncio.Task[Outcome | None]":
        task = asyncio.create_task(self._run_one(assignment), name=f"execution {assignment.claim.id}")
        self._running[assignment.claim.id] = task
        return task

    async def _run_one(self, assignment: Assignment) -> Outcome | None:
        result, outcome = await run(assignment, self._sandbox, self._reach.ports(assignment))
        del self._running[assignment.claim.id]
        # What is part of another execution goes with it: the other worker starts it anew.
        handed = result.status == "canceled" and self._handing_over and assignment.depth == 0
        self._results.append(handed_over(result) if handed else result)
        self._wake.set()
        return outcome

    async def _run_child(self, parent: Assignment, ports: Ports, request: ChildRequest) -> ChildOutcome:
        """Run a sub-workflow as an execution of its own beside its parent, and stop it with its parent."""
        if request.document is not None:
            return await run_document(request, ports, self._sandbox)
        below(ports)
        if not request.wait:
            queued = await self._in_thread(partial(self._with_transaction, queue_child, parent, request))
            return ChildOutcome([request.items], str(queued))
        starting = asyncio.ensure_future(self._start_child(parent, request))
        try:
            execution_id, task = await asyncio.shield(starting)
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            if starting.exception() is None:
                _, task = starting.result()
                cancel(task)
                await asyncio.wait([task])
            raise
        return ChildOutcome([], execution_id, BROKEN) if outcome is None else outcome_of(outcome, execution_id)

    async def _start_child(
        self, parent: Assignment, request: ChildRequest
    ) -> tuple[str, "asyncio.Task[Outcome | None]"]:
        """Start a sub-workflow; its id and its task. Once begun it is not cut short: the row would have no task."""
        async with self._holding:
            try:
                child = await self._in_thread(
                    partial(self._with_transaction, start_child, self._worker_id, parent, request)
                )
            except UNREACHABLE as error:
                self._may_hold_more = True
                raise NodeError("The sub-workflow could not be started: PostgreSQL cannot be reached") from error
            return str(child.claim.id), self._start(child)

    async def _send_answer(self, execution_id: int, answer: dict[str, Any]) -> None:
        """Let a webhook's caller have its answer now, before the workflow has ended."""
        await self._in_thread(
            partial(self._with_transaction, answer_now, execution_id, orjson.dumps(answer, default=str))
        )

    def _with_transaction(self, work: Callable[..., T], *arguments: Any) -> T:
        with transaction(self._pool) as connection:
            return work(connection, *arguments)

    def _abort(self, execution_id: int) -> None:
        task = self._running.get(execution_id)
        if task is not None:
            cancel(task)

    async def _follow_hints(self) -> None:
        while True:
            try:
                async for hint in listen(self._settings.direct_url):
                    if hint.stopped is None:
                        self._wake.set()
                    else:
                        self._abort(hint.stopped)
            except UNREACHABLE as error:
                log.warning("no hints for now", extra={"reason": str(error).strip()})
            await asyncio.sleep(random.uniform(0.5, LONGEST_PAUSE))

    async def _keep_beating(self, beat: Beat) -> None:
        ended_before = self._sandbox.ended
        while not beat.lost:
            try:
                beat.sandbox_kills = self._sandbox.ended - ended_before
                async with asyncio.timeout(beat.seconds_left):
                    stopped = await self._in_thread(partial(beat, list(self._running)))
            except TimeoutError:
                # PostgreSQL says nothing at all; others may have given up what runs here by now.
                beat.lost = True
                break
            except UNREACHABLE as error:
                log.warning("no heartbeat for now", extra={"reason": str(error).strip()})
                stopped = set()
            for execution_id in stopped:
                self._abort(execution_id)
            await asyncio.sleep(beat.interval)
        # Not left to the exchange, which may wait for PostgreSQL as well: what was given up must not go on.
        for execution_id in list(self._running):
            self._abort(execution_id)
        self._wake.set()

    async def _abandon(self) -> None:
        """The lease is lost: others have given up what runs here, so its results are worth nothing."""
        log.error("lease lost", extra={"abandoned": len(self._running) + len(self._results)})
        await self._cut_short()
        self._results.clear()
        # Of the next registration it holds nothing yet.
        self._may_hold_more = False

    async def _leave(self, exchange: Exchange, beat: Beat) -> None:
        """Hand in and hand over what there is, and sign off, as far as there is time for it."""
        try:
            async with asyncio.timeout(self._stopped_at + LEAVE_SECONDS - time.monotonic()):
                await self._drain(exchange, beat)
                await self._persistently(partial(self._retire, self._worker_id))
        except TimeoutError:
            left = len(self._running) + len(self._results)
            log.error("worker leaves without having signed off", extra={"unrecorded": left})

    async def _drain(self, exchange: Exchange, beat: Beat) -> None:
        """Record what ends by itself soon, hand over the rest as waiting for another worker."""
        log.info("worker drains", extra={"running": len(self._running)})
        while self._running and time.monotonic() < self._stopped_at + DRAIN_SECONDS:
            await asyncio.wait(self._running.values(), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            await self._exchange(exchange, beat, claiming=False)
        self._handing_over = True
        await self._cut_short()
        while self._results:
            await self._exchange(exchange, beat, claiming=False)

    async def _cut_short(self) -> None:
        """Cancel all that runs, and wait until each has left its result."""
        tasks = list(self._running.values())
        for task in tasks:
            cancel(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _persistently(self, work: Callable[[], T]) -> T:
        """Do database work until it succeeds."""
        while True:
            try:
                return await self._in_thread(work)
            except UNREACHABLE as error:
                log.warning("PostgreSQL cannot be reached", extra={"reason": str(error).strip()})
                await self._pause()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _register_unless_stopped(self) -> int | None:
        """The id of this worker's new registration; None when it was stopped before PostgreSQL could be reached."""
        registering = asyncio.ensure_future(self._persistently(self._register))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([registering, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if registering.done():
            return registering.result()
        registering.cancel()
        return None

    def _register(self) -> int:
        with transaction(self._pool) as connection:
            self._clock.read(connection)
            return workers.register(
                connection,
                hostname=socket.gethostname(),
                pid=os.getpid(),
                concurrency=self._settings.concurrency,
                sends_notices=self._settings.failure_webhook is not None,
            )

    def _retire(self, worker_id: int) -> None:
        with transaction(self._pool) as connection:
            workers.retire(connection, worker_id)


def cancel(task: "asyncio.Task[Outcome | None]") -> None:
    """Cancel a run, but not before its first step: it would never begin, and leave no result."""
    asyncio.get_running_loop().call_soon(task.cancel)


def refuse_to_go_on_without(helpers: Sequence[asyncio.Task[None]]) -> None:
    """Raise what ended one of the tasks that a worker needs: a worker without a beat must not go on."""
    for helper in helpers:
        if helper.done() and not helper.cancelled() and (error := helper.exception()) is not None:
            raise error


async def work(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    with open_pool(settings.database_url, size=5, name="worker", through_pooler=settings.through_pooler) as pool:
        worker = Worker(settings, pool, Sandbox())
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, worker.stop)
        await worker.run()


def run_worker(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, then return."""
    asyncio.run(work(settings))
