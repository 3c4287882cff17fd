"""The executions that a worker holds: each runs as a task, and its result is kept until it is stored."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from app.engine.run.children import child_ports, outcome_of, run_document
from app.engine.run.computing import compute, count_work, node_runs
from app.engine.run.errors import NodeError
from app.engine.run.memory_shares import MemoryShares
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.progress import RunProgress
from app.engine.run.run import RunOutcome
from app.engine.sandbox import Sandbox
from app.repository.connection import UNREACHABLE
from app.repository.lifecycle import ExtraPlaces, Known, Result
from app.worker.children import encode_items, queue_child, start_child
from app.worker.database import Database
from app.worker.exchange import Assignment
from app.worker.runs import BROKEN, break_off, hand_over_result, run
from app.worker.tracing import Tracing
from app.worker.unrecorded import Unrecorded
from app.worker.wake import Wake

PROGRESS_SECONDS = 1.0
"""Of an execution that takes less it is not told how far it is."""

Run = asyncio.Task[RunOutcome | None]


class Place(NamedTuple):
    """Whose a place of a worker is, and how many executions its own is below as a sub-workflow."""

    project_id: str
    depth: int


class Held:
    """What one worker runs, and what of it has ended and is not recorded yet."""

    def __init__(
        self,
        sandbox: Sandbox,
        types: NodeTypes,
        ports: Callable[[Assignment], Ports],
        database: Database,
        wake: Wake,
        tracing: Tracing | None = None,
        shares: MemoryShares | None = None,
    ) -> None:
        """`wake` is told when there is a result, `tracing` what spans are to tell of it, and `shares` what it takes."""
        self._tracing = tracing
        self._sandbox = sandbox
        self._types = types
        self._ports = ports
        self._database = database
        self.unrecorded = Unrecorded(wake, shares)
        # What this worker holds and what it knows of are the same while one has the lock, but for what is starting.
        self._known = asyncio.Lock()
        self._starting: list[int] = []
        """The executions of which a sub-workflow is just starting."""
        self.worker_id = 0
        self.observe: Callable[[str, float], None] = lambda status, seconds: None
        """Told of each execution that has ended or waits: what became of it, and how long it ran."""
        self.running: dict[int, Run] = {}
        self._places: dict[int, Place] = {}
        self._progress: dict[int, tuple[float, RunProgress]] = {}
        self.may_hold_more = False
        """The answer to a claim was lost: PostgreSQL may know of executions here that this worker does not know of."""
        self.handing_over = False
        """What is cut short from here on is for another worker to go on with."""
        self._to_hand_over: set[int] = set()

    @property
    def count(self) -> int:
        """How many run, or have ended and are not recorded."""
        return len(self.running) + len(self.unrecorded)

    @property
    def places(self) -> int:
        """How many places are taken: by what runs, and by what has left a large result until it is recorded."""
        return len(self._places)

    def extra(self, concurrency: int, places: int) -> ExtraPlaces:
        """What is left of so many places beyond the usual ones.

        A sub-workflow has its parent's place here: what many of them keep of the usual places is nobody's.
        """
        claimed = sum(place.depth == 0 for place in self._places.values())
        held = Counter(place.project_id for place in self._places.values())
        return ExtraPlaces(max(min(places, concurrency + places - claimed), 0), held)

    def read_progress(self) -> tuple[dict[int, RunProgress], set[int]]:
        """How far those are that have run for a while, and the ids of all that run."""
        since = time.monotonic() - PROGRESS_SECONDS
        return {key: known for key, (began, known) in self._progress.items() if began < since}, set(self._progress)

    async def let_go(self, results: Collection[Result]) -> None:
        """These results are recorded, or nobody wants them any more."""
        for result in results:
            self._places.pop(result.id, None)
        await self.unrecorded.drop(results)

    async def forget_all(self) -> None:
        """Nothing of this is held any more."""
        await self.unrecorded.drop_all()
        self._places.clear()
        self.may_hold_more = False
        if self._tracing is not None:
            self._tracing.forget_all()

    @asynccontextmanager
    async def known(self) -> AsyncIterator[Known | None]:
        """Where more may be held than is known: all that is known, while nothing is added to it; else None.

        What is found is to be started before this ends. Where a start of a sub-workflow is under way, which may last,
        it is not waited for: whether more than it is held below the same execution is asked again later.
        """
        if not self.may_hold_more:
            yield None
            return
        async with self._known:
            self.may_hold_more = bool(self._starting)
            yield Known([*self.running, *self.unrecorded.ids], list(self._starting))

    def start(self, assignment: Assignment) -> Run:
        """Run an execution that this worker has been given."""
        task = asyncio.create_task(self._run(assignment), name=f"execution {assignment.claim.id}")
        self.running[assignment.claim.id] = task
        self._places[assignment.claim.id] = Place(assignment.claim.project_id, assignment.depth)
        return task

    async def _run(self, assignment: Assignment) -> RunOutcome | None:
        # A sub-workflow is started by a node, but does its own bookkeeping.
        execution_id = assignment.claim.id
        try:
            ports = self._ports(assignment)
        except Exception:
            self._break_off(assignment)
            return None
        self._progress[execution_id] = time.monotonic(), ports.progress
        try:
            with node_runs(None):
                sandbox = self._sandbox_of(assignment)
                result, outcome = await run(assignment, sandbox, self._types, ports, self._database)
        except BaseException:  # it leaves no result whose record would give the place back
            self._places.pop(execution_id, None)
            raise
        finally:
            if assignment.meter is None:
                ports.meter.end()
            began, _ = self._progress.pop(execution_id)
            del self.running[execution_id]
            handing_over = self.handing_over or execution_id in self._to_hand_over
            self._to_hand_over.discard(execution_id)
        self.observe(result.status, time.monotonic() - began)
        # What is part of another execution goes with it: the other worker starts it anew.
        handed = result.status == "canceled" and handing_over and assignment.depth == 0
        result = hand_over_result(result) if handed else result
        if self._tracing is not None and not (handed and result.data is None):  # of one that has not begun
            self._tracing.note(assignment, result, outcome, ports.progress.first_index, time.monotonic() - began)
        if not self.unrecorded.add(result, assignment.above, handed=handed):
            self._places.pop(execution_id, None)
        return outcome

    def _break_off(self, assignment: Assignment) -> None:
        """End an execution for which nothing could be made ready, where that exception is handled."""
        execution_id, result = assignment.claim.id, break_off(assignment).result
        del self.running[execution_id]
        self._to_hand_over.discard(execution_id)
        self.observe(result.status, 0.0)
        if not self.unrecorded.add(result, assignment.above):
            self._places.pop(execution_id, None)

    def _sandbox_of(self, assignment: Assignment) -> Sandbox:
        """Where the JavaScript of an execution runs: in processes that serve its project and no other."""
        return self._sandbox.for_project(assignment.claim.project_id)

    async def run_child(self, parent: Assignment, ports: Ports, request: ChildRequest) -> ChildOutcome:
        """Run a sub-workflow as an execution of its own beside its parent, and stop it with its parent."""
        if request.document is not None:
            return await run_document(request, ports, self._sandbox_of(parent), self._types)
        ports = child_ports(ports)
        if not request.wait:
            items = await _encode_items(request, ports)
            queued = await self._database.send(len(items), queue_child, parent, request, items)
            return ChildOutcome([request.items], str(queued))
        starting = asyncio.ensure_future(self._start_child(parent, ports, request))
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
        finally:
            ports.meter.end_part()
        return ChildOutcome([], execution_id, BROKEN) if outcome is None else outcome_of(outcome, execution_id)

    async def _start_child(self, parent: Assignment, ports: Ports, request: ChildRequest) -> tuple[str, Run]:
        """Start a sub-workflow; its id and its task. Once begun it is not cut short: the row would have no task."""
        items = await _encode_items(request, ports)
        async with self._beginning(parent.claim.id):
            try:
                child = await self._database.send(
                    len(items), start_child, self.worker_id, parent, request, items, ports.depth
                )
            except UNREACHABLE as error:
                self.may_hold_more = True
                raise NodeError("The sub-workflow could not be started: PostgreSQL cannot be reached") from error
            return str(child.claim.id), self.start(replace(child, meter=ports.meter, awaited=ports.awaited))

    @asynccontextmanager
    async def _beginning(self, parent_id: int) -> AsyncIterator[None]:
        """While this lasts, a sub-workflow is starting: several may at once, but none begins while `known` lasts."""
        async with self._known:
            self._starting.append(parent_id)
        try:
            yield
        finally:
            self._starting.remove(parent_id)

    def hand_over(self, execution_id: int) -> None:
        """If this one is cut short, it is for another worker to go on with."""
        self._to_hand_over.add(execution_id)

    def abort(self, execution_id: int) -> None:
        """Stop an execution that is no longer this worker's. A second time, while it is being stopped, does nothing."""
        task = self.running.get(execution_id)
        if task is not None and not task.cancelling():
            cancel(task)

    async def cut_short(self) -> None:
        """Stop all that runs, and wait until each has left its result."""
        tasks = list(self.running.values())
        for task in tasks:
            cancel(task)
        await asyncio.gather(*tasks, return_exceptions=True)


async def _encode_items(request: ChildRequest, ports: Ports) -> bytes:
    """What the sub-workflow is given, as JSON. Raises TooMuchData."""
    return await compute(encode_items, request.items, ports.meter, size=count_work(request.items))


def cancel(task: Run) -> None:
    """Cancel a run, but not before its first step: it would never begin, and leave no result."""
    asyncio.get_running_loop().call_soon(task.cancel)
