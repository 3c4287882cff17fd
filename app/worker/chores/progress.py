"""Says how far the executions are that this worker runs, of those that have run for more than a second."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from app.engine.run.progress import RunProgress
from app.repository import execution_progress
from app.repository.odd_json import without_halves
from app.worker.chores.chore import Chore
from app.worker.database import Database

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0

ReadProgress = Callable[[], tuple[Mapping[int, RunProgress], set[int]]]
"""Gives how far those are that have run for a while, by execution, and the ids of all that run."""


def progress(database: Database, read: ReadProgress) -> Chore:
    """One worker's word on what it runs; nothing is written where nothing runs for so long."""
    told: set[int] = set()
    untold: set[int] = set()

    async def step() -> float:
        known, running = read()
        untold.intersection_update(running)
        texts, ended = dict(encode_changes(known, untold)), told - running
        if texts or ended:
            await database.transact(execution_progress.save, texts, sorted(ended))
            told.difference_update(ended)
            told.update(texts)
        return PAUSE_SECONDS

    return Chore("progress", step)


def encode_changes(known: Mapping[int, RunProgress], untold: set[int]) -> Iterator[tuple[int, bytes]]:
    """Those that have changed since the last time, as JSON.

    A run may have gone on from whatever was imported. One whose progress cannot be told is left out and added to
    `untold`, and the log hears of it once.
    """
    for execution_id, each in known.items():
        try:
            document = each.changes()
            text = None if document is None else encode_progress(document)
        except Exception:
            if execution_id not in untold:
                untold.add(execution_id)
                log.exception("how far an execution is cannot be told", extra={"execution": execution_id})
            continue
        if text is not None:
            yield execution_id, text


def encode_progress(document: dict[str, Any]) -> bytes:
    """As JSON that can be read again: U+FFFD stands for halves of surrogate pairs, which names of nodes may have.

    Raises ValueError and RecursionError for what cannot be written.
    """
    try:
        return orjson.dumps(document)
    except TypeError:
        return without_halves(json.dumps(document, allow_nan=False, separators=(",", ":")).encode())
