"""Queues the retries that were asked for in the background: a small step, a pause, until no job is left."""

from collections.abc import Sequence
from functools import partial

from app.engine.run.restart import CannotRestart, check_restart
from app.repository import retry_jobs
from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.executions import batches, get_executions
from app.repository.restarts import Checked, NodeRun, Restart
from app.worker.chores.chore import Chore, chore_in_steps
from app.worker.database import Database

LOOK_SECONDS = 2.0
BATCH_BYTES = 2 * 2**20
"""Data of so many bytes is looked into at once, or of one execution that has more."""


def retrier(database: Database, largest: int) -> Chore:
    """One worker's turns at retrying; the others take theirs. Data of more bytes than `largest` is not looked into."""
    step_of_a_job = partial(retry_jobs.retry_some, check=partial(check_places, largest=largest))

    async def retry() -> bool:
        return await database.transact(step_of_a_job) is not None

    return chore_in_steps("retrying many", retry, look_seconds=LOOK_SECONDS)


def check_places(connection: Connection, ids: Sequence[int], restart: Restart, *, largest: int) -> Checked:
    """Refuse executions that do not have the node of a restart, or in which it never ran; their data is read together,
    as much as BATCH_BYTES at once."""
    place, checked = restart.place, Checked({})
    if not isinstance(place, NodeRun):
        return checked
    executions = get_executions(connection, ids)
    large = [execution.id for execution in executions if execution.json_size_bytes > largest]
    checked.refused.update(dict.fromkeys(large, f"The execution's data has more than {largest:,} bytes"))
    for batch in batches([execution for execution in executions if execution.id not in checked.refused], BATCH_BYTES):
        data = read_data(connection, [execution.id for execution in batch])
        for execution in batch:
            try:
                if check_restart(data.get(execution.id), place.node, place.run):
                    checked.beginning.add(execution.id)
            except CannotRestart as error:
                checked.refused[execution.id] = str(error)
    return checked
