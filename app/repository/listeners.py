"""Triggers with a connection of their own: which worker holds which, spread evenly over those that live."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.repository import trigger_nodes
from app.repository.connection import Connection, scalar
from app.repository.errors import Conflict
from app.repository.notifications import announce_triggers
from app.repository.trigger_nodes import TriggerNode
from app.repository.workers import hold_lease

ADD = """
    INSERT INTO listeners AS l (workflow_id, node)
    SELECT %(workflow_id)s, n.node
      FROM unnest(%(nodes)s::text[]) AS n (node)
    ON CONFLICT (workflow_id, node) DO NOTHING
"""

LOCK_PROJECT = """
    SELECT pg_advisory_xact_lock(hashtextextended('listeners', hashtext(w.project_id)))
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
"""

# Those that are active in a project are few, and all listeners are not many more than all workers can hold.
COUNT_OF_PROJECT = """
    SELECT count(*)
      FROM listeners AS l
      JOIN workflows AS w ON w.id = l.workflow_id
     WHERE w.project_id = (SELECT o.project_id FROM workflows AS o WHERE o.id = %(workflow_id)s)
"""

SAY_SLOTS = """
    UPDATE workers AS w
       SET listener_slots = %(slots)s
     WHERE w.id = %(worker_id)s AND w.listener_slots <> %(slots)s
"""

COUNT = "SELECT count(*) FROM listeners"

SLOTS = """
    SELECT w.listener_slots
      FROM workers AS w
     WHERE w.stopped_at IS NULL AND w.listener_slots > 0
"""

# Uses listeners_held.
HELD = """
    SELECT l.workflow_id, l.node, l.taken_at, coalesce(w.active_version_id, w.version_id), w.project_id
      FROM listeners AS l
      JOIN workflows AS w ON w.id = l.workflow_id
     WHERE l.worker_id = %(worker_id)s
     ORDER BY l.taken_at, l.workflow_id, l.node
"""

# What another worker takes at this moment is skipped, so each is held by one.
# Not by NOT EXISTS: PostgreSQL would not look at the worker again where another took the row after this began.
TAKE = """
    UPDATE listeners AS l
       SET worker_id = %(worker_id)s, taken_at = clock_timestamp()
     WHERE (l.workflow_id, l.node) IN (
               SELECT f.workflow_id, f.node
                 FROM listeners AS f
                WHERE (SELECT w.id FROM workers AS w WHERE w.id = f.worker_id AND w.stopped_at IS NULL) IS NULL
                ORDER BY f.workflow_id, f.node
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED)
"""

RELEASE = """
    UPDATE listeners AS l
       SET worker_id = NULL, taken_at = NULL
      FROM unnest(%(workflow_ids)s::text[], %(nodes)s::text[]) AS r (workflow_id, node)
     WHERE l.workflow_id = r.workflow_id AND l.node = r.node AND l.worker_id = %(worker_id)s
"""

# The row stays as it is until what was heard is written down.
HOLDS = """
    SELECT true
      FROM listeners AS l
     WHERE l.workflow_id = %(workflow_id)s AND l.node = %(node)s
       AND l.worker_id = %(worker_id)s AND l.taken_at = %(taken_at)s
       FOR SHARE
"""

TRIGGER = """
    SELECT w.id, %(node)s, w.project_id, v.id, v.name, v.definition
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = coalesce(w.active_version_id, w.version_id)
     WHERE w.id = %(workflow_id)s
"""


class TooMany(Conflict):
    """The project has as many triggers with a connection as it may have."""

    def __init__(self, number: int, most: int) -> None:
        super().__init__(
            f"The active workflows of this project hold {number:,} connections by their triggers, and {most:,} is the "
            "most (EXECUTIONS_PROJECT_LISTENERS): deactivate some that are not needed"
        )


@dataclass(frozen=True, slots=True)
class Listener:
    """A trigger that a worker holds, since when, and the version and project of its workflow as they are now."""

    workflow_id: str
    node: str
    taken_at: datetime
    version_id: UUID
    project_id: str


def register(connection: Connection, workflow_id: str, nodes: Sequence[str], *, most: int) -> None:
    """Let exactly these nodes of a workflow be held by somebody.

    Raises TooMany where its project would have more than `most` of them, and has fewer now.
    """
    if nodes:
        connection.execute(LOCK_PROJECT, {"workflow_id": workflow_id})
    added = trigger_nodes.register(connection, "listeners", ADD, workflow_id, nodes)
    if added:
        announce_triggers(connection)
        number = int(scalar(connection, COUNT_OF_PROJECT, {"workflow_id": workflow_id}))
        if number > most:
            raise TooMany(number - added, most)


def hold(connection: Connection, worker_id: int, most: int) -> list[Listener]:
    """What this worker holds from now on: its share, at most `most`. Nothing once its lease has lapsed."""
    if not hold_lease(connection, worker_id):
        return []
    connection.execute(SAY_SLOTS, {"worker_id": worker_id, "slots": most})
    held = [Listener(*row) for row in connection.execute(HELD, {"worker_id": worker_id})]
    slots = [int(row[0]) for row in connection.execute(SLOTS)]
    share = min(most, share_of(int(scalar(connection, COUNT)), slots))
    if len(held) > share:
        # What it has held for longest stays.
        release(connection, worker_id, held[share:])
        return held[:share]
    if len(held) < share:
        taken = connection.execute(TAKE, {"worker_id": worker_id, "limit": share - len(held)}).rowcount
        if taken:
            held = [Listener(*row) for row in connection.execute(HELD, {"worker_id": worker_id})]
    return held


def share_of(number: int, slots: Sequence[int]) -> int:
    """How many each worker is to hold at most, so that all are held where there is room: the same for all that are not
    full with less."""
    left = number
    for place, room in enumerate(sorted(slots)):
        share = -(-left // (len(slots) - place))
        if room >= share:
            return share
        left -= room
    return max(slots, default=0)


def release(connection: Connection, worker_id: int, listeners: Iterable[Listener]) -> None:
    """Leave these to other workers."""
    pairs = [(listener.workflow_id, listener.node) for listener in listeners]
    values = {"workflow_ids": [pair[0] for pair in pairs], "nodes": [pair[1] for pair in pairs]}
    connection.execute(RELEASE, {**values, "worker_id": worker_id})
    announce_triggers(connection)


def holds(connection: Connection, worker_id: int, listener: Listener) -> bool:
    """Whether it is still this worker's, until the transaction ends."""
    if not hold_lease(connection, worker_id):
        return False
    values = {"workflow_id": listener.workflow_id, "node": listener.node, "taken_at": listener.taken_at}
    return bool(scalar(connection, HOLDS, {**values, "worker_id": worker_id}))


def read_trigger(connection: Connection, listener: Listener) -> TriggerNode | None:
    """The trigger in its workflow as it is published now; None for a workflow that is gone."""
    values = {"workflow_id": listener.workflow_id, "node": listener.node}
    row = connection.execute(TRIGGER, values).fetchone()
    return None if row is None else TriggerNode(*row)
