"""Answers what forms ask of packages' nodes, for those who have no package: in the host of this worker."""

import asyncio
import logging
from collections.abc import Callable

from app.engine.run.errors import NodeError
from app.engine.run.graph import InvalidWorkflow
from app.packages.asking import SECONDS
from app.packages.choices import LOAD_SECONDS, find_choices, node_asked, read_question
from app.packages.types import Packages
from app.repository import node_questions
from app.repository.connection import UNREACHABLE
from app.repository.node_questions import NodeQuestion
from app.worker.chores.chore import Chore
from app.worker.task_set import TaskSet
from app.worker.texts import shorten, strip_unstorable
from app.worker.triggers.contexts import TriggerContexts

log = logging.getLogger(__name__)

AT_ONCE = 8
LOOK_SECONDS = 2.0
"""A hint may be lost; nobody waits much longer than this for it."""
AWAITED_SECONDS = 5.0
"""What was asked before that, nobody waits for any more."""
MAX_LENGTH = 1_000
TOO_SLOW = "The package of the node was not loaded in time"


class NodeAnswers(TaskSet):
    """What one worker answers."""

    def __init__(
        self,
        contexts: TriggerContexts,
        packages: Callable[[], Packages],
        *,
        worker_id: Callable[[], int],
        stopping: Callable[[], bool],
    ) -> None:
        """`packages` tells which there are here now."""
        super().__init__(AT_ONCE)
        self._contexts = contexts
        self._database = contexts.database
        self._packages = packages
        self._worker_id = worker_id
        self._stopping = stopping
        self.hint = asyncio.Event()
        """Somebody asks."""

    def chore(self) -> Chore:
        """Takes what is asked, as far as there is room, and this worker has the package."""
        return Chore("questions about nodes", self._step, self.hint)

    async def _step(self) -> float:
        types = self._packages().node_names
        if types and self.room > 0 and not self._stopping():
            worker_id = self._worker_id()
            for question in await self._database.transact(
                node_questions.take, worker_id, self.room, types, seconds=AWAITED_SECONDS
            ):
                self.start(self._do(worker_id, question))
        return LOOK_SECONDS

    def _forget(self, task: asyncio.Task[None]) -> None:
        """There is room again, for which somebody may have waited."""
        super()._forget(task)
        self.hint.set()

    async def _do(self, worker_id: int, question: NodeQuestion) -> None:
        try:
            answer, problem = await self._answer(question)
            said = None if problem is None else shorten(strip_unstorable(problem)[:MAX_LENGTH])
            await self._database.transact(node_questions.end, worker_id, question.id, answer, said)
        except UNREACHABLE as error:
            log.warning("a question was not answered", extra={"type": question.type, "reason": str(error).strip()})

    async def _answer(self, question: NodeQuestion) -> tuple[bytes | None, str | None]:
        """The answer, or why there is none."""
        asked = read_question(question.question)
        try:
            node = node_asked(question.type, asked)
            context = self._contexts.of_node(question.project_id, node)
            async with asyncio.timeout(LOAD_SECONDS + SECONDS):
                return await find_choices(self._packages(), context, asked), None
        except NodeError as error:
            return None, error.message
        except InvalidWorkflow as error:
            return None, str(error)
        except TimeoutError:
            return None, TOO_SLOW
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("a question about a node failed", extra={"type": question.type})
            return None, f"The question has failed: {type(error).__name__}"
