"""Triggers that look for something new: when each is to look again, and which worker does it now.

A schedule asks, one worker takes what is asked for, looks outside of any transaction, and hands in what it has found
under a guard. What a lost worker had taken is still due, and the next one takes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.repository import trigger_nodes
from app.repository.connection import Connection, scalar
from app.repository.notifications import announce_triggers
from app.repository.trigger_nodes import TriggerNode
from app.repository.workers import hold_lease

# One that is there already goes on as it is: a save does not make it look again.
ADD = """
    INSERT INTO polls AS p (workflow_id, node, due_at)
    SELECT %(workflow_id)s, n.node, clock_timestamp()
      FROM unnest(%(nodes)s::text[]) AS n (node)
    ON CONFLICT (workflow_id, node) DO NOTHING
"""

# While somebody looks, the time moves: what comes after the look began is worth another one.
ASK = """
    UPDATE polls AS p
       SET due_at = CASE WHEN p.worker_id IS NULL THEN coalesce(p.due_at, clock_timestamp()) ELSE clock_timestamp() END
     WHERE p.workflow_id = %(workflow_id)s AND p.node = %(node)s
"""

# Uses polls_due. What another worker takes at this moment is skipped, so each is looked at by one.
# Not by NOT EXISTS: PostgreSQL would not look at the worker again where another took the row after this began.
TAKE = """
    WITH taken AS (
        UPDATE polls AS p
           SET worker_id = %(worker_id)s, started_at = clock_timestamp()
         WHERE (p.workflow_id, p.node) IN (
                   SELECT d.workflow_id, d.node
                     FROM polls AS d
                    WHERE d.due_at IS NOT NULL
                      AND (SELECT w.id FROM workers AS w WHERE w.id = d.worker_id AND w.stopped_at IS NULL) IS NULL
                      AND (%(lacked)s::text[] = '{}'
                           OR NOT EXISTS (SELECT FROM workflows AS u
                                            JOIN workflow_versions AS v
                                              ON v.id = coalesce(u.active_version_id, u.version_id)
                                           WHERE u.id = d.workflow_id
                                             AND coalesce(v.node_types, node_types_of(v.definition))
                                                 && %(lacked)s::text[]))
                      AND NOT EXISTS (SELECT FROM workflows AS o
                                       WHERE o.id = d.workflow_id AND o.project_id = ANY(%(busy)s::text[]))
                    ORDER BY d.due_at
                    LIMIT %(limit)s
                      FOR UPDATE SKIP LOCKED)
        RETURNING p.workflow_id, p.node, p.started_at)
    SELECT t.started_at, t.workflow_id, t.node, w.project_id, v.id, v.name, v.definition
      FROM taken AS t
      JOIN workflows AS w ON w.id = t.workflow_id
      JOIN workflow_versions AS v ON v.id = coalesce(w.active_version_id, w.version_id)
"""

END = """
    UPDATE polls AS p
       SET worker_id = NULL, started_at = NULL, due_at = CASE WHEN p.due_at > p.started_at THEN p.due_at END
     WHERE p.workflow_id = %(workflow_id)s AND p.node = %(node)s
       AND p.worker_id = %(worker_id)s AND p.started_at = %(started_at)s
    RETURNING true
"""

GIVE_BACK = """
    UPDATE polls AS p
       SET worker_id = NULL, started_at = NULL
     WHERE p.workflow_id = %(workflow_id)s AND p.node = %(node)s
       AND p.worker_id = %(worker_id)s AND p.started_at = %(started_at)s
"""

HELD = """
    SELECT p.workflow_id, p.node, p.started_at
      FROM polls AS p
     WHERE p.worker_id = %(worker_id)s
"""

PollKey = tuple[str, str, datetime]
"""One look: of which workflow and node, and when it was begun."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A trigger that a worker has taken, and when."""

    trigger: TriggerNode
    started_at: datetime

    @property
    def key(self) -> PollKey:
        """By which a worker knows it."""
        return self.trigger.workflow_id, self.trigger.node, self.started_at


def register(connection: Connection, workflow_id: str, nodes: Sequence[str]) -> None:
    """Let exactly these nodes of a workflow look for something new; those that are new among them do so at once."""
    if trigger_nodes.register(connection, "polls", ADD, workflow_id, nodes):
        announce_triggers(connection)


def ask(connection: Connection, workflow_id: str, node: str) -> None:
    """Have somebody look; who looks already does so once more."""
    connection.execute(ASK, {"workflow_id": workflow_id, "node": node})
    announce_triggers(connection)


def take(
    connection: Connection, worker_id: int, limit: int, lacked: Sequence[str] = (), busy: Sequence[str] = ()
) -> list[Poll]:
    """At most `limit` that are due, for this worker alone; nothing for one whose lease has lapsed.

    Workflows with nodes of types that the worker has `lacked`, and of projects that keep it `busy`, are left to others.
    """
    if limit < 1 or not hold_lease(connection, worker_id):
        return []
    rows = connection.execute(
        TAKE, {"worker_id": worker_id, "limit": limit, "lacked": list(lacked), "busy": list(busy)}
    )
    return [Poll(TriggerNode(*trigger), started_at) for started_at, *trigger in rows]


def end(connection: Connection, worker_id: int, poll: Poll) -> bool:
    """Give back one that was taken. False when it is this worker's no more: it was lost, or the workflow is changed."""
    if not hold_lease(connection, worker_id):
        return False
    values = {"worker_id": worker_id, "workflow_id": poll.trigger.workflow_id, "node": poll.trigger.node}
    return bool(scalar(connection, END, {**values, "started_at": poll.started_at}))


def give_back(connection: Connection, worker_id: int, poll: Poll) -> None:
    """Leave one that was taken to other workers; it is still due."""
    values = {"worker_id": worker_id, "workflow_id": poll.trigger.workflow_id, "node": poll.trigger.node}
    connection.execute(GIVE_BACK, {**values, "started_at": poll.started_at})


def held(connection: Connection, worker_id: int) -> set[PollKey]:
    """Those that this worker has taken and not ended, as far as their workflows still want them."""
    return {(workflow_id, node, at) for workflow_id, node, at in connection.execute(HELD, {"worker_id": worker_id})}
