"""Runs the polls of triggers that are due: one worker at a time, as often as their schedules ask."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.bounded_dict import BoundedDict
from app.engine.run.errors import NodeError
from app.engine.run.graph import InvalidWorkflow
from app.engine.run.items import Outputs
from app.packages.host_calls import ComputedTooLong
from app.repository import polls, static_data
from app.repository.connection import UNREACHABLE, Connection
from app.repository.polls import Poll, PollKey
from app.repository.static_data import StaticChange
from app.repository.trigger_nodes import TriggerNode
from app.worker.chores.chore import Chore, vary_pause
from app.worker.task_set import TaskSet
from app.worker.triggers.contexts import TriggerContexts, changes_of
from app.worker.triggers.recording import items_of, record_failure, record_outputs

log = logging.getLogger(__name__)

AT_ONCE, IN_A_STEP = 20, 5
"""How many triggers one worker lets look at the same time, and takes up at once."""
BUSY = 5
"""A project of which so many look is passed over: one whose far sides are slow leaves room to others."""
SECONDS = 300.0
"""How long one of them may take."""
REST_SECONDS = 300.0
"""How long one is left alone that has computed until it was ended, unless its workflow is changed."""
MAX_RESTING = 10_000
PAUSE_SECONDS = 0.5
IDLE_SECONDS = 2.0
"""How often it is looked for what no hint has told of, where nothing is due and nothing looks."""
TRIES = 5
"""How often what was found is handed in where PostgreSQL cannot be reached; after that somebody looks again."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """What came of a look: items (None: nothing new) and changed static data, or why it has failed."""

    outputs: Outputs | None = None
    changes: tuple[StaticChange, ...] = ()
    error: NodeError | None = None


class Polling(TaskSet):
    """What one worker looks for.

    `worker_id` tells under which registration, `stopping` whether nothing more is to be begun, `lacked` which types of
    nodes cannot run here.
    """

    def __init__(
        self,
        contexts: TriggerContexts,
        *,
        worker_id: Callable[[], int],
        stopping: Callable[[], bool],
        address: str | None = None,
        lacked: Callable[[Connection], Sequence[str]] = lambda _: (),
    ) -> None:
        super().__init__(AT_ONCE)
        self._contexts = contexts
        self._lacked = lacked
        self._database = contexts.database
        self._worker_id = worker_id
        self._stopping = stopping
        self._address = address
        self._looking: dict[PollKey, asyncio.Task[Any]] = {}
        self._resting: BoundedDict[tuple[str, UUID, str], float] = BoundedDict(MAX_RESTING)

    def chore(self, hint: asyncio.Event) -> Chore:
        """Takes what is due, as far as there is room; `hint` is set when something is."""
        return Chore("polls", self._step, hint)

    async def _step(self) -> float:
        await self._end_unwanted()
        room = min(IN_A_STEP, self.room)
        if room > 0 and not self._stopping():
            for poll in await self._database.transact(self._take, room):
                self.start(self._look(self._worker_id(), poll), poll.trigger.project_id)
        return PAUSE_SECONDS if self.room < AT_ONCE else vary_pause(IDLE_SECONDS)

    async def _end_unwanted(self) -> None:
        """End looks for workflows that are not active any more, or that another worker has taken over."""
        if self._looking:
            held = await self._database.transact(polls.held, self._worker_id())
            for key in self._looking.keys() - held:
                self._looking[key].cancel()

    def _take(self, connection: Connection, room: int) -> list[Poll]:
        busy = [project for project, number in self.by_project.items() if number >= BUSY]
        return polls.take(connection, self._worker_id(), room, self._lacked(connection), busy)

    async def _look(self, worker_id: int, poll: Poll) -> None:
        about = {"workflow": poll.trigger.workflow_id, "node": poll.trigger.node}
        if (current := asyncio.current_task()) is not None:
            self._looking[poll.key] = current
        try:
            finding = PollResult() if self._rests(poll.trigger) else await self._find(poll.trigger)
        except UNREACHABLE as error:
            log.warning("no poll for now", extra={**about, "reason": str(error).strip()})
            finding = None
        finally:
            self._looking.pop(poll.key, None)
        if finding is not None and isinstance(finding.error, ComputedTooLong):
            self._resting[_key(poll.trigger)] = time.monotonic() + REST_SECONDS
        for attempt in range(TRIES):
            try:
                await self._database.transact(self._record, worker_id, poll, finding)
                return
            except UNREACHABLE as error:
                log.warning("PostgreSQL cannot be reached", extra={"reason": str(error).strip()})
                await asyncio.sleep(0.2 * 2**attempt)
            except Exception:
                # What cannot be written down is told in its place.
                log.exception("what a poll has found cannot be recorded", extra=about)
                finding = PollResult(error=NodeError("What the trigger has found could not be stored"))

    def _rests(self, trigger: TriggerNode) -> bool:
        """Whether it is not worth a look: each would take the time of those of its project that find something."""
        return self._resting.get(_key(trigger), 0.0) > time.monotonic()

    async def _find(self, trigger: TriggerNode) -> PollResult | None:
        """What came of a look; None where this worker has not got the node's package yet."""
        try:
            context = await self._contexts.context(trigger)
            look = context.node.kind.poll
            if not context.node.kind.installed:
                return None
            if look is None:
                raise NodeError(f"No installed package polls for {context.node.type}")
            async with asyncio.timeout(SECONDS):
                outputs = await look(context)
            items = items_of(outputs or [])
            context.collect(items)
            return PollResult([items] if items else None, tuple(changes_of(trigger, context)))
        except NodeError as error:
            return PollResult(error=error)
        except TimeoutError:
            return PollResult(error=NodeError(f"The trigger has not found anything within {SECONDS:g} seconds"))
        except (InvalidWorkflow, KeyError) as error:
            return PollResult(error=NodeError(f"The trigger cannot poll: {error}"))
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("poll failed", extra={"workflow": trigger.workflow_id, "node": trigger.node})
            return PollResult(error=NodeError(f"The trigger has failed: {type(error).__name__}"))

    def _record(self, connection: Connection, worker_id: int, poll: Poll, finding: PollResult | None) -> None:
        """Hand in all that came of a look, or nothing where it is somebody else's by now; None: it is still due."""
        if finding is None:
            polls.give_back(connection, worker_id, poll)
            return
        if not polls.end(connection, worker_id, poll):
            return
        static_data.save(connection, finding.changes)
        if finding.error is not None:
            record_failure(
                connection,
                worker_id,
                poll.trigger,
                finding.error,
                address=self._address,
                tell_ended=self._contexts.tell_ended,
            )
        elif finding.outputs:
            record_outputs(connection, poll.trigger, finding.outputs[0])


def _key(trigger: TriggerNode) -> tuple[str, UUID, str]:
    return trigger.workflow_id, trigger.version_id, trigger.node
