"""Answers for those who have no package: whether a credential of its types is good, and what its nodes offer in forms.

The host of this worker answers, as it would for the nodes of an execution.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.engine.run.errors import NodeError
from app.engine.run.graph import InvalidWorkflow
from app.packages import form_questions, hosted_trials
from app.packages.choices import LOAD_SECONDS, find_choices, node_asked, read_question
from app.packages.hosted_trials import problem_of_credential
from app.packages.types import Packages
from app.repository import worker_questions
from app.repository.connection import UNREACHABLE
from app.repository.worker_questions import CREDENTIAL_TESTS, NODE_QUESTIONS, Question, QuestionTable
from app.worker.chores.chore import Chore
from app.worker.packages import PackageSync
from app.worker.task_set import TaskSet
from app.worker.texts import shorten, strip_unstorable
from app.worker.triggers.contexts import TriggerContexts

log = logging.getLogger(__name__)

AT_ONCE, IN_A_STEP = 8, 4
"""How many questions of a kind one worker answers at the same time, and takes up at once."""
BUSY = 4
"""A project of which so many are answered is passed over: one whose services are slow leaves room to others."""
LOOK_SECONDS = 2.0
"""A hint may be lost; nobody waits much longer than this for it."""
AWAITED_SECONDS = 5.0
"""What was asked before that, nobody waits for any more."""
MAX_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class QuestionKind:
    """How a worker answers one kind of question."""

    name: str
    table: QuestionTable
    types: Callable[[Packages], Sequence[str]]
    """The types about which this worker can be asked."""
    answer: Callable[[Packages, TriggerContexts, Question], Awaitable[tuple[bytes | None, str | None]]]
    """Gives the answer, if any, and what is wrong. Raises NodeError, InvalidWorkflow."""
    seconds: float
    too_slow: str
    failed: str


async def answer_test(packages: Packages, contexts: TriggerContexts, question: Question) -> tuple[None, str | None]:
    """No answer, and why the service does not take the credential."""
    context = contexts.of_credential(question.project_id, str(question.asked), question.type)
    return None, await problem_of_credential(packages, context, question.type)


async def answer_form(packages: Packages, contexts: TriggerContexts, question: Question) -> tuple[bytes, None]:
    """What the node offers, as JSON."""
    asked = read_question(question.asked)
    context = contexts.of_node(question.project_id, node_asked(question.type, asked))
    return await find_choices(packages, context, asked), None


TESTS = QuestionKind(
    "tests of credentials",
    CREDENTIAL_TESTS,
    lambda packages: packages.credential_names,
    answer_test,
    hosted_trials.SECONDS,
    f"The service did not answer within {hosted_trials.SECONDS:g} seconds",
    "The test has failed",
)
CHOICES = QuestionKind(
    "questions about nodes",
    NODE_QUESTIONS,
    lambda packages: packages.node_names,
    answer_form,
    LOAD_SECONDS + form_questions.SECONDS,
    "The package of the node was not loaded in time",
    "The question has failed",
)


class Answerer(TaskSet):
    """Answers one kind of question on one worker."""

    def __init__(
        self,
        kind: QuestionKind,
        contexts: TriggerContexts,
        packages: PackageSync,
        *,
        worker_id: Callable[[], int],
        stopping: Callable[[], bool],
    ) -> None:
        super().__init__(AT_ONCE)
        self._kind = kind
        self._contexts = contexts
        self._database = contexts.database
        self._packages = packages
        self._worker_id = worker_id
        self._stopping = stopping
        self.hint = asyncio.Event()
        """Somebody asks."""

    def chore(self) -> Chore:
        """Takes what is asked, as far as there is room, and this worker has the package."""
        return Chore(self._kind.name, self._step, self.hint)

    async def _step(self) -> float:
        types, room = self._kind.types(self._packages.installed), min(IN_A_STEP, self.room)
        if not types or room < 1 or self._stopping():
            return LOOK_SECONDS
        worker_id = self._worker_id()
        busy = [project for project, number in self.by_project.items() if number >= BUSY]
        taken = await self._database.transact(
            worker_questions.take, self._kind.table, worker_id, room, types, seconds=AWAITED_SECONDS, busy=busy
        )
        for question in taken:
            self.start(self._end(worker_id, question), question.project_id)
        return LOOK_SECONDS if len(taken) < IN_A_STEP else 0.0

    def _forget(self, task: asyncio.Task[None]) -> None:
        """There is room again, for which somebody may have waited."""
        super()._forget(task)
        self.hint.set()

    async def _end(self, worker_id: int, question: Question) -> None:
        try:
            answer, problem = await self._answer(question)
            said = None if problem is None else shorten(strip_unstorable(problem)[:MAX_LENGTH])
            await self._database.transact(
                worker_questions.end, self._kind.table, worker_id, question.id, problem=said, answer=answer
            )
        except UNREACHABLE as error:
            about = {"asked": self._kind.name, "type": question.type, "reason": str(error).strip()}
            log.warning("a question was not answered", extra=about)

    async def _answer(self, question: Question) -> tuple[bytes | None, str | None]:
        """The answer, if any, and what is wrong."""
        try:
            async with asyncio.timeout(self._kind.seconds):
                return await self._kind.answer(self._packages.installed, self._contexts, question)
        except NodeError as error:
            return None, error.message
        except InvalidWorkflow as error:
            return None, str(error)
        except TimeoutError:
            return None, self._kind.too_slow
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("a question failed", extra={"asked": self._kind.name, "type": question.type})
            return None, f"{self._kind.failed}: {type(error).__name__}"
