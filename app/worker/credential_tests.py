"""Tests credentials of packages' types for those who have no package: in the host of this worker, as nodes would."""

import asyncio
import logging
from collections.abc import Callable

from app.engine.run.errors import NodeError
from app.packages.hosted_trials import SECONDS, problem_of_credential
from app.packages.types import Packages
from app.repository import credential_tests
from app.repository.connection import UNREACHABLE
from app.repository.credential_tests import CredentialTest
from app.worker.chores.chore import Chore
from app.worker.task_set import TaskSet
from app.worker.texts import shorten, strip_unstorable
from app.worker.triggers.contexts import TriggerContexts

log = logging.getLogger(__name__)

AT_ONCE = 8
LOOK_SECONDS = 2.0
"""A hint may be lost; nobody waits much longer than this for it."""
AWAITED_SECONDS = 5.0
"""What was asked for before that, nobody waits for any more."""
MAX_LENGTH = 1_000
TOO_SLOW = f"The service did not answer within {SECONDS:g} seconds"


class CredentialTester(TaskSet):
    """What one worker tests."""

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
        """Somebody wants a credential tested."""

    def chore(self) -> Chore:
        """Takes what is asked for, as far as there is room, and this worker has the package."""
        return Chore("tests of credentials", self._step, self.hint)

    async def _step(self) -> float:
        types = self._packages().credential_names
        if types and self.room > 0 and not self._stopping():
            worker_id = self._worker_id()
            for test in await self._database.transact(
                credential_tests.take, worker_id, self.room, types, seconds=AWAITED_SECONDS
            ):
                self.start(self._do(worker_id, test))
        return LOOK_SECONDS

    def _forget(self, task: asyncio.Task[None]) -> None:
        """There is room again, for which somebody may have waited."""
        super()._forget(task)
        self.hint.set()

    async def _do(self, worker_id: int, test: CredentialTest) -> None:
        try:
            problem = await self._problem(test)
            said = None if problem is None else shorten(strip_unstorable(problem)[:MAX_LENGTH])
            await self._database.transact(credential_tests.end, worker_id, test.id, said)
        except UNREACHABLE as error:
            about = {"credential": test.credential_id, "reason": str(error).strip()}
            log.warning("a credential could not be tested", extra=about)

    async def _problem(self, test: CredentialTest) -> str | None:
        context = self._contexts.of_credential(test.project_id, test.credential_id, test.type)
        try:
            async with asyncio.timeout(SECONDS):
                return await problem_of_credential(self._packages(), context, test.type)
        except NodeError as error:
            return error.message
        except TimeoutError:
            return TOO_SLOW
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("the test of a credential failed", extra={"credential": test.credential_id})
            return f"The test has failed: {type(error).__name__}"
