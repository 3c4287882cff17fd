"""Queues the retries that were asked for in the background: a small step, a pause, until no job is left."""

from collections.abc import Sequence
from functools import partial

from app.engine.run.restart import CannotRestart, check_restart
from app.repository import retry_jobs
from app.repository.connection import Connection
from app.repository.executions import get_executions
from app.repository.restart_checks import check_places
from app.repository.restarts import Checked, NodeRun, Place, Restart
from app.worker.chores.chore import Chore, chore_in_steps
from app.worker.database import Database

LOOK_SECONDS = 2.0


def retrier(database: Database, largest: int) -> Chore:
    """One worker's turns at retrying; the others take theirs. Data of more bytes than `largest` is not looked into."""
    step_of_a_job = partial(retry_jobs.retry_some, check=partial(check_many, largest=largest))

    async def retry() -> bool:
        return await database.transact(step_of_a_job) is not None

    return chore_in_steps("retrying many", retry, look_seconds=LOOK_SECONDS)


def check_many(connection: Connection, ids: Sequence[int], restart: Restart, *, largest: int) -> Checked:
    """See `retry_jobs.Check`."""
    if not restart.depends_on_data:
        return Checked({})
    return check_places(connection, get_executions(connection, ids), restart, began_at, CannotRestart, largest=largest)


def began_at(data: bytes | None, place: Place) -> bool:
    """Whether an execution with this data had begun at the node of a restart. Raises CannotRestart."""
    return isinstance(place, NodeRun) and check_restart(data, place.node, place.run)
