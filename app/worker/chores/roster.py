"""The chores of a worker: who adds one, adds it here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.repository.known_problems import KnownProblems
from app.settings import Settings
from app.worker.chores.alarm import alarm
from app.worker.chores.chore import Chore
from app.worker.chores.deleter import deleter
from app.worker.chores.failures import failure_notices, notice_client
from app.worker.chores.hints import HintHandlers, hints
from app.worker.chores.housekeeping import housekeeping
from app.worker.chores.parents import parents
from app.worker.chores.progress import ReadProgress, progress
from app.worker.chores.pruner import pruner
from app.worker.chores.retrier import retrier
from app.worker.chores.schedules import schedules
from app.worker.chores.totals import totals
from app.worker.database import Database


@asynccontextmanager
async def chores(
    settings: Settings,
    database: Database,
    handlers: HintHandlers,
    read_progress: ReadProgress,
    known_problems: KnownProblems,
) -> AsyncIterator[list[Chore]]:
    """All of them; what they hold is closed at the end. `read_progress` tells what runs, `known_problems` learn."""
    async with AsyncExitStack() as stack:
        roster = [
            hints(settings.direct_url, handlers),
            alarm(database, handlers.wake),
            schedules(settings, database),
            pruner(settings, database),
            deleter(database),
            retrier(database, settings.bodies_bytes // 2),
            totals(database, known_problems),
            progress(database, read_progress),
            parents(database),
            housekeeping(database),
        ]
        if settings.failure_webhook is not None:
            client = await stack.enter_async_context(notice_client())
            roster.append(failure_notices(settings.failure_webhook, settings.failure_secret or "", client, database))
        yield roster
