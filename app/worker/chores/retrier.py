"""Queues the retries that were asked for in the background: a small step, a pause, until no job is left."""

from functools import partial

from app.engine.run.restart import CannotRestart, check_restart
from app.repository import retry_jobs
from app.repository.connection import Connection
from app.repository.errors import CannotRetry
from app.repository.execution_data import read_data
from app.repository.executions import get_execution
from app.repository.restarts import NodeRun, Restart
from app.worker.chores.chore import Chore, chore_in_steps
from app.worker.database import Database

LOOK_SECONDS = 2.0


def retrier(database: Database, largest: int) -> Chore:
    """One worker's turns at retrying; the others take theirs. Data of more bytes than `largest` is not looked into."""
    step_of_a_job = partial(retry_jobs.retry_some, check=partial(check_place, largest=largest))

    async def retry() -> bool:
        return await database.transact(step_of_a_job) is not None

    return chore_in_steps("retrying many", retry, look_seconds=LOOK_SECONDS)


def check_place(connection: Connection, execution_id: int, restart: Restart, *, largest: int) -> None:
    """Refuse a node that the execution does not have, or that never ran in it. Raises CannotRetry."""
    place = restart.place
    if not isinstance(place, NodeRun):
        return
    if get_execution(connection, execution_id).json_size_bytes > largest:
        raise CannotRetry(f"The execution's data has more than {largest:,} bytes")
    try:
        data = read_data(connection, [execution_id]).get(execution_id)
        check_restart(data, place.node, place.run)
    except CannotRestart as error:
        raise CannotRetry(str(error)) from error
