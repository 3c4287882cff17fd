"""Deletes what was asked to be deleted in the background: a small step, a pause, until no job is left."""

from app.repository import deletion_jobs
from app.worker.chores.chore import Chore, chore_in_steps
from app.worker.database import Database

LOOK_SECONDS = 2.0


def deleter(database: Database) -> Chore:
    """One worker's turns at deleting; the others take theirs."""

    async def delete() -> bool:
        return await database.transact(deletion_jobs.delete_some) is not None

    return chore_in_steps("deleting", delete, look_seconds=LOOK_SECONDS)
