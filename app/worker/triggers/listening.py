"""Holds the connections of triggers that listen: each in one worker, which has taken it under its lease."""

import asyncio
import logging
import time
from collections.abc import Callable
from types import TracebackType

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from app.engine.run.errors import NodeError
from app.engine.run.graph import InvalidWorkflow
from app.engine.run.items import Outputs
from app.packages.host_calls import ComputedTooLong
from app.repository import listeners, static_data
from app.repository.connection import UNREACHABLE, Connection
from app.repository.listeners import Listener
from app.repository.static_data import StaticChange
from app.repository.trigger_nodes import TriggerNode
from app.worker.chores.chore import Chore, vary_pause
from app.worker.triggers.contexts import TriggerContexts, changes_of
from app.worker.triggers.recording import items_of, record_failure, record_outputs

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""So soon a workflow that is deactivated is listened for no more."""
IDLE_SECONDS = 2.0
"""How often one that holds nothing looks for what no hint has told of."""
MAX_PAUSE = 120.0
"""Seconds between two attempts to connect."""
GOOD_SECONDS = 60.0
"""What has listened for so long was connected: the next attempts are not those of the same trouble."""
TOLD_AT = 2
"""The attempt in a row at whose failure an execution tells of it: a connection may break once without a word."""
Key = tuple[Listener, int]


class HeldNoMore(Exception):
    """What was heard is not this worker's to write down: somebody else listens, or nobody is to."""


class NotInstalled(Exception):
    """This worker has not got the node's package yet."""


class ListeningFailed(Exception):
    """Listening has failed, and is to be tried again."""


class Listening:
    """What one worker listens for; an asynchronous context manager, which lets go of all of it at its end.

    `worker_id` tells under which registration, `stopping` whether others are to take over; `most` how many it holds.
    """

    def __init__(
        self,
        contexts: TriggerContexts,
        *,
        worker_id: Callable[[], int],
        stopping: Callable[[], bool],
        most: int,
        address: str | None = None,
    ) -> None:
        self._contexts = contexts
        self._database = contexts.database
        self._worker_id = worker_id
        self._stopping = stopping
        self._most = most
        self._address = address
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    def chore(self, hint: asyncio.Event) -> Chore:
        """Takes what is this worker's share, and lets go of what is not any more; `hint` is set when that changes."""
        return Chore("listeners", self._step, hint)

    async def __aenter__(self) -> "Listening":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end(self._tasks)

    async def _step(self) -> float:
        worker_id = self._worker_id()
        if self._stopping():
            # Before others may take over, so that no two listen at once.
            await self._end(self._tasks)
        wanted = await self._database.transact(listeners.hold, worker_id, 0 if self._stopping() else self._most)
        keys = {(listener, worker_id) for listener in wanted}
        await self._end([key for key in self._tasks if key not in keys])
        for key in keys - self._tasks.keys():
            self._tasks[key] = asyncio.create_task(self._listen_on(*key))
        return PAUSE_SECONDS if self._tasks else vary_pause(IDLE_SECONDS)

    async def _end(self, keys: "list[Key] | dict[Key, asyncio.Task[None]]") -> None:
        ending = [self._tasks.pop(key) for key in list(keys)]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _listen_on(self, listener: Listener, worker_id: int) -> None:
        """Listen until cancelled, again and again where it fails."""
        about = {"workflow": listener.workflow_id, "node": listener.node}
        attempts = Attempts()

        def note(state: RetryCallState) -> None:
            log.warning("listening failed", extra={**about, "attempt": attempts.failed})

        retrying = AsyncRetrying(retry=retry_if_exception_type(ListeningFailed), wait=attempts.pause, before_sleep=note)
        try:
            await retrying(self._listen_once, listener, worker_id, attempts)
        except HeldNoMore:
            log.info("a listener was taken away", extra=about)
        except Exception:
            log.exception("listener ended", extra=about)

    async def _listen_once(self, listener: Listener, worker_id: int, attempts: "Attempts") -> None:
        """Listen until it fails. Raises ListeningFailed, HeldNoMore."""
        trigger = None
        attempts.begin()
        try:
            trigger = await self._database.transact(listeners.read_trigger, listener)
            if trigger is None:
                raise HeldNoMore
            await self._listen(listener, worker_id, trigger)
            raise NodeError("The connection has ended")
        except (HeldNoMore, asyncio.CancelledError):
            raise
        except (NotInstalled, *UNREACHABLE) as error:
            attempts.fail(counts=False)
            raise ListeningFailed from error
        except Exception as error:
            if attempts.fail(computed=isinstance(error, ComputedTooLong)) == TOLD_AT and trigger is not None:
                await self._tell(listener, worker_id, trigger, error)
            raise ListeningFailed from error

    async def _listen(self, listener: Listener, worker_id: int, trigger: TriggerNode) -> None:
        context = await self._contexts.context(trigger)
        listen = context.node.kind.listen
        if not context.node.kind.installed:
            raise NotInstalled
        if listen is None:
            raise NodeError(f"No installed package listens for {context.node.type}")

        async def emit(outputs: Outputs) -> None:
            items = items_of(outputs)
            context.collect(items)
            changes = changes_of(trigger, context)
            await self._until_recorded(listener, worker_id, trigger, [items] if items else [], changes)

        await listen(context, emit)

    async def _until_recorded(
        self,
        listener: Listener,
        worker_id: int,
        trigger: TriggerNode,
        outputs: Outputs,
        changes: list[StaticChange],
    ) -> None:
        """Write down what was heard, however long PostgreSQL is out of reach. Raises HeldNoMore."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(UNREACHABLE), wait=wait_random_exponential(multiplier=0.1, max=2)
        )
        await retrying(self._database.transact, self._record, listener, worker_id, trigger, outputs, changes)

    def _record(
        self,
        connection: Connection,
        listener: Listener,
        worker_id: int,
        trigger: TriggerNode,
        outputs: Outputs,
        changes: list[StaticChange],
    ) -> None:
        if not listeners.holds(connection, worker_id, listener):
            raise HeldNoMore
        static_data.save(connection, changes)
        for items in outputs:
            record_outputs(connection, trigger, items)

    async def _tell(self, listener: Listener, worker_id: int, trigger: TriggerNode, error: Exception) -> None:
        """Leave a failed execution, so that people see that nothing is heard, and an error workflow starts."""
        if isinstance(error, InvalidWorkflow | KeyError):
            error = NodeError(f"The trigger cannot listen: {error}")
        elif not isinstance(error, NodeError):
            log.error("listener failed", exc_info=error, extra={"workflow": trigger.workflow_id, "node": trigger.node})
            error = NodeError(f"The trigger has failed: {type(error).__name__}")

        def record(connection: Connection) -> None:
            if listeners.holds(connection, worker_id, listener):
                record_failure(
                    connection,
                    worker_id,
                    trigger,
                    error,
                    address=self._address,
                    tell_ended=self._contexts.tell_ended,
                )

        try:
            await self._database.transact(record)
        except UNREACHABLE as broken:
            log.warning("PostgreSQL cannot be reached", extra={"reason": str(broken).strip()})


class Attempts:
    """How often listening has failed in a row, and how long to pause before it is tried again."""

    def __init__(self) -> None:
        self.failed = 0
        self._begun = 0.0

    def begin(self) -> None:
        """An attempt begins: how long it lasts decides whether the next failure is a new one."""
        self._begun = time.monotonic()

    def fail(self, *, counts: bool = True, computed: bool = False) -> int:
        """Count a failure; how many there are in a row. `computed`: it was not connected, however long it lasted."""
        if not computed and time.monotonic() - self._begun >= GOOD_SECONDS:
            self.failed = 0
        self.failed += counts
        return self.failed

    def pause(self, state: RetryCallState) -> float:
        """Seconds: longer each time, and not the same for all."""
        state.attempt_number = max(1, self.failed)
        return float(wait_random_exponential(multiplier=0.5, max=MAX_PAUSE)(state))
