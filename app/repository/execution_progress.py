"""How far running executions are (sql/0037.execution_progress.sql)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.repository import execution_events
from app.repository.connection import Connection

# In the order of ids. JSON in an array is sent in binary form (`b`), which escapes no quotes.
SAVE = """
    INSERT INTO execution_progress AS p (execution_id, progress)
    SELECT x.id, x.progress::json
      FROM unnest(%(ids)s::bigint[], %(progress)b::text[]) AS x (id, progress)
     ORDER BY x.id
    ON CONFLICT (execution_id) DO UPDATE SET progress = EXCLUDED.progress, changed_at = EXCLUDED.changed_at
"""

DROP = "DELETE FROM execution_progress AS p WHERE p.execution_id = ANY(%(ids)s)"

# What the end of a worker has left behind.
FORGET = """
    DELETE FROM execution_progress AS p
     WHERE NOT EXISTS (SELECT FROM executions AS e WHERE e.id = p.execution_id AND e.status = 'running')
"""

READ = """
    SELECT p.execution_id, p.progress, p.changed_at
      FROM execution_progress AS p
     WHERE p.execution_id = ANY(%(ids)s)
"""


VERSION = re.compile(r"(\d{1,18})\.(\d{1,18})")
"""Which part of a run it is (a wait begins another one), and how many runs of nodes there were."""


@dataclass(frozen=True, slots=True)
class ExecutionProgress:
    """What its worker says, as JSON, and since when it is so.

    {"current", "currentSince", "version", "nodes": [{"node", "runs", "items", "status", "changed", "startTime",
    "executionTime"}]}, and "tries" where the current node was tried before. Times in milliseconds.
    """

    progress: bytes
    changed_at: datetime


def save(connection: Connection, progress: Mapping[int, bytes], ended: Sequence[int]) -> None:
    """Say how far executions are, by id as JSON, and that others have ended."""
    if ended:
        connection.execute(DROP, {"ids": list(ended)})
    if progress:
        texts = [text.decode() for text in progress.values()]
        connection.execute(SAVE, {"ids": list(progress), "progress": texts})
        execution_events.note(connection, list(progress))


def read(connection: Connection, ids: Sequence[int]) -> dict[int, ExecutionProgress]:
    """How far these are, those of which it is known; only of running ones it means anything."""
    rows = connection.execute(READ, {"ids": list(ids)})
    return {execution_id: ExecutionProgress(*rest) for execution_id, *rest in rows}


def forget_old(connection: Connection) -> None:
    """Drop what is said of executions that run no more."""
    connection.execute(FORGET)


def changed_since(document: Mapping[str, Any], version: str) -> list[dict[str, Any]] | None:
    """The nodes of a document that are not as they were at that version; None where that cannot be told."""
    then, now = VERSION.fullmatch(version), VERSION.fullmatch(document.get("version") or "")
    if then is None or now is None or then[1] != now[1] or int(then[2]) > int(now[2]):
        return None
    return [node for node in document["nodes"] if node["changed"] > int(then[2])]
