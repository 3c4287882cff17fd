"""Where executions stand in their traces: which one has started which, and what the first of them was called with."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.repository.connection import Connection

# By the key of executions, once for each execution above another; there are no more than may follow from each other.
ORIGINS = """
    WITH RECURSIVE above (execution_id, id, parent_id, height) AS (
        SELECT e.id, e.id, e.parent_id, 0
          FROM executions AS e
         WHERE e.id = ANY(%(ids)s)
         UNION ALL
        SELECT a.execution_id, p.id, p.parent_id, a.height + 1
          FROM above AS a
          JOIN executions AS p ON p.id = a.parent_id
         WHERE a.height < %(most)s
    )
    SELECT DISTINCT ON (a.execution_id) a.execution_id, a.id, CASE WHEN a.height > 0 THEN e.parent_id END, i.traceparent
      FROM above AS a
      JOIN executions AS e ON e.id = a.execution_id
      LEFT JOIN execution_inputs AS i ON i.execution_id = a.id
     ORDER BY a.execution_id, a.height DESC
"""
MAX_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class TraceOrigin:
    """What an execution comes from: the one that started it, if that is there, and the first of all, maybe itself.

    `traceparent` is what the first was called with.
    """

    root_id: int
    parent_id: int | None
    traceparent: str | None


def read_origins(connection: Connection, ids: Sequence[int]) -> dict[int, TraceOrigin]:
    """The origins of these executions; those that are not there are left out."""
    rows = connection.execute(ORIGINS, {"ids": list(ids), "most": MAX_HEIGHT})
    return {execution_id: TraceOrigin(*rest) for execution_id, *rest in rows}
