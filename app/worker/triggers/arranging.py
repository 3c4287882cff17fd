"""Arranges with providers what triggers need: webhooks are made when a workflow becomes active, and taken back."""

import asyncio
import logging
from collections.abc import Callable

import orjson

from app.engine.run.errors import NodeError
from app.engine.run.graph import InvalidWorkflow
from app.repository import static_data, trigger_hooks
from app.repository.connection import UNREACHABLE, Connection
from app.repository.static_data import StaticChange
from app.repository.trigger_hooks import Hook
from app.worker.chores.chore import Chore
from app.worker.task_set import TaskSet
from app.worker.texts import shorten, strip_unstorable
from app.worker.triggers.contexts import TriggerContexts, changes_of

log = logging.getLogger(__name__)

AT_ONCE, IN_A_STEP = 10, 5
"""How much one worker arranges at the same time, and takes up at once."""
BUSY = 5
"""A project for which so much is under way is passed over: one whose providers are slow leaves room to others."""
SECONDS = 60.0
LOOK_SECONDS = 2.0
"""How often it is looked for what no hint has told of."""
NOT_INSTALLED_SECONDS = 2.0


class Arranging(TaskSet):
    """What one worker arranges."""

    def __init__(
        self,
        contexts: TriggerContexts,
        *,
        worker_id: Callable[[], int],
        stopping: Callable[[], bool],
        hint: asyncio.Event,
    ) -> None:
        """`hint` is set when something is to be arranged."""
        super().__init__(AT_ONCE)
        self._contexts = contexts
        self._database = contexts.database
        self._worker_id = worker_id
        self._stopping = stopping
        self._hint = hint

    def chore(self) -> Chore:
        """Takes what is asked for, as far as there is room."""
        return Chore("arrangements with providers", self._step, self._hint)

    async def _step(self) -> float:
        room = min(IN_A_STEP, self.room)
        if room > 0 and not self._stopping():
            busy = [project for project, number in self.by_project.items() if number >= BUSY]
            taken = await self._database.transact(trigger_hooks.take, self._worker_id(), room, busy)
            for hook in taken:
                self.start(self._do(self._worker_id(), hook), hook.trigger.project_id)
            if len(taken) == IN_A_STEP:
                return 0.0
        return LOOK_SECONDS

    def _forget(self, task: asyncio.Task[None]) -> None:
        """There may be what is to follow at its node, or found no room."""
        super()._forget(task)
        self._hint.set()

    async def _do(self, worker_id: int, hook: Hook) -> None:
        about = {"workflow": hook.trigger.workflow_id, "node": hook.trigger.node, "action": hook.action}
        try:
            changes, error = await self._arrange(hook)
            if changes is None:
                await asyncio.sleep(NOT_INSTALLED_SECONDS)
                await self._database.transact(trigger_hooks.give_back, worker_id, hook)
                return
            if error is not None:
                log.warning("a provider cannot be arranged with", extra={**about, "reason": error})
            await self._database.transact(self._record, worker_id, hook, changes, error)
        except UNREACHABLE as error:
            log.warning("nothing arranged for now", extra={**about, "reason": str(error).strip()})

    async def _arrange(self, hook: Hook) -> tuple[list[StaticChange] | None, str | None]:
        """What the trigger keeps of it, and why it has failed; None where this worker lacks the node's package."""
        try:
            context = await self._contexts.context(hook.trigger)
            if not context.node.kind.installed:
                return None, None
            if context.node.kind.arrange is not None:
                async with asyncio.timeout(SECONDS):
                    await context.node.kind.arrange(context, hook.action, orjson.loads(hook.urls))
            return changes_of(hook.trigger, context), None
        except NodeError as error:
            said = f"{error.message} ({error.description})" if error.description else error.message
            return [], shorten(strip_unstorable(said))
        except TimeoutError:
            return [], f"It was not done within {SECONDS:g} seconds"
        except (InvalidWorkflow, KeyError) as error:
            return [], str(error)
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("an arrangement failed", extra={"workflow": hook.trigger.workflow_id})
            return [], f"The trigger has failed: {type(error).__name__}"

    def _record(
        self, connection: Connection, worker_id: int, hook: Hook, changes: list[StaticChange], error: str | None
    ) -> None:
        if trigger_hooks.end(connection, worker_id, hook, error):
            static_data.save(connection, changes)
