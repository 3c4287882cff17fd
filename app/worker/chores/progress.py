"""Says how far the executions are that this worker runs, of those that have run for more than a second."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.repository import execution_progress
from app.worker.chores.chore import Chore
from app.worker.database import Database

PAUSE_SECONDS = 1.0

ReadProgress = Callable[[], tuple[Mapping[int, dict[str, Any]], set[int]]]
"""Gives what has changed, by execution, and the ids of all that run."""


def progress(database: Database, read: ReadProgress) -> Chore:
    """One worker's word on what it runs; nothing is written where nothing runs for so long."""
    told: set[int] = set()

    async def step() -> float:
        changed, running = read()
        ended = told - running
        if changed or ended:
            texts = {execution_id: encode_progress(document) for execution_id, document in changed.items()}
            await database.transact(execution_progress.save, texts, sorted(ended))
            told.difference_update(ended)
            told.update(texts)
        return PAUSE_SECONDS

    return Chore("progress", step)


def encode_progress(document: dict[str, Any]) -> bytes:
    """As JSON that PostgreSQL can hold."""
    return orjson.dumps(document).replace(b"\\u0000", b"")
