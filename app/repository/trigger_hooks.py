"""What triggers arrange with their providers: asked for by whoever activates a workflow, done by one worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.trigger_nodes import TriggerNode
from app.repository.workers import hold_lease

Action = Literal["create", "delete"]

ASK = """
    INSERT INTO trigger_hooks (workflow_id, node, action, version_id, urls)
    VALUES (%(workflow_id)s, %(node)s, %(action)s, %(version_id)s, %(urls)s::text::json)
    RETURNING id
"""

# Of nodes that are called now, and are not to be any more.
ASK_TO_DELETE = """
    INSERT INTO trigger_hooks (workflow_id, node, action, version_id, urls)
    SELECT DISTINCT ON (h.node) h.workflow_id, h.node, 'delete', coalesce(w.active_version_id, w.version_id),
           without_nul(h.settings) #> '{package,urls}'
      FROM webhooks AS h
      JOIN workflows AS w ON w.id = h.workflow_id
     WHERE h.workflow_id = %(workflow_id)s AND without_nul(h.settings) -> 'package' IS NOT NULL
       AND h.node <> ALL(%(but)s::text[])
"""

# Uses trigger_hooks_due. Of one node, what was asked for first is done first.
# Not by NOT EXISTS: PostgreSQL would not look at the worker again where another took the row after this began.
TAKE = """
    WITH taken AS (
        UPDATE trigger_hooks AS h
           SET worker_id = %(worker_id)s
         WHERE h.id IN (
                   SELECT d.id
                     FROM trigger_hooks AS d
                    WHERE d.done_at IS NULL
                      AND (SELECT w.id FROM workers AS w WHERE w.id = d.worker_id AND w.stopped_at IS NULL) IS NULL
                      AND NOT EXISTS (SELECT FROM trigger_hooks AS b
                                       WHERE b.workflow_id = d.workflow_id AND b.node = d.node AND b.id < d.id
                                         AND b.done_at IS NULL)
                      AND NOT EXISTS (SELECT FROM workflows AS o
                                       WHERE o.id = d.workflow_id AND o.project_id = ANY(%(busy)s::text[]))
                    ORDER BY d.id
                    LIMIT %(limit)s
                      FOR UPDATE SKIP LOCKED)
        RETURNING h.id, h.workflow_id, h.node, h.action, h.version_id, h.urls)
    SELECT t.id, t.action, t.urls, t.workflow_id, t.node, v.project_id, v.id, v.name, v.definition
      FROM taken AS t
      JOIN workflow_versions AS v ON v.id = t.version_id
     ORDER BY t.id
"""

END = """
    UPDATE trigger_hooks AS h
       SET done_at = clock_timestamp(), error = %(error)s
     WHERE h.id = %(id)s AND h.worker_id = %(worker_id)s AND h.done_at IS NULL
    RETURNING true
"""

GIVE_BACK = """
    UPDATE trigger_hooks AS h
       SET worker_id = NULL
     WHERE h.id = %(id)s AND h.worker_id = %(worker_id)s
"""

ENDED = """
    SELECT h.node, h.error
      FROM trigger_hooks AS h
     WHERE h.id = ANY(%(ids)s::bigint[]) AND h.done_at IS NOT NULL
     ORDER BY h.id
"""

WITHDRAW = """
    DELETE FROM trigger_hooks AS h
     WHERE h.id = ANY(%(ids)s::bigint[])
        OR h.created_at < statement_timestamp() - interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class NewHook:
    """What to arrange for a node; `urls` is JSON: where each of its webhooks is called, by name."""

    node: str
    urls: bytes


@dataclass(frozen=True, slots=True)
class Hook:
    """What a worker has taken."""

    id: int
    action: Action
    urls: bytes
    trigger: TriggerNode


def ask(
    connection: Connection, workflow_id: str, version_id: UUID, action: Action, hooks: Sequence[NewHook]
) -> list[int]:
    """Have these arranged, or taken back; returns the ids under which one can look how that went."""
    values = {"workflow_id": workflow_id, "version_id": version_id, "action": action}
    ids = [int(scalar(connection, ASK, {**values, "node": hook.node, "urls": hook.urls.decode()})) for hook in hooks]
    notifications.announce_hooks(connection)
    return ids


def ask_to_delete(connection: Connection, workflow_id: str, but: Sequence[str] = ()) -> None:
    """Have taken back what is arranged for a workflow's nodes, `but` of these. To be called while they are known."""
    if connection.execute(ASK_TO_DELETE, {"workflow_id": workflow_id, "but": list(but)}).rowcount:
        notifications.announce_hooks(connection)


def take(connection: Connection, worker_id: int, limit: int, busy: Sequence[str] = ()) -> list[Hook]:
    """At most `limit` that are to be done, for this worker alone; nothing for one whose lease has lapsed.

    Those of projects that keep the worker `busy` are left to others.
    """
    if limit < 1 or not hold_lease(connection, worker_id):
        return []
    rows = connection.execute(TAKE, {"worker_id": worker_id, "limit": limit, "busy": list(busy)})
    return [Hook(number, action, urls, TriggerNode(*trigger)) for number, action, urls, *trigger in rows]


def end(connection: Connection, worker_id: int, hook: Hook, error: str | None) -> bool:
    """Note that it is done, or why it has failed. False when it is this worker's no more."""
    if not hold_lease(connection, worker_id):
        return False
    return bool(scalar(connection, END, {"id": hook.id, "worker_id": worker_id, "error": error}))


def give_back(connection: Connection, worker_id: int, hook: Hook) -> None:
    """Leave it to another worker."""
    connection.execute(GIVE_BACK, {"id": hook.id, "worker_id": worker_id})
    notifications.announce_hooks(connection)


def read_ended(connection: Connection, ids: Sequence[int]) -> list[tuple[str, str | None]]:
    """The nodes of those that are done, each with why it has failed, if it has."""
    return [(row[0], row[1]) for row in connection.execute(ENDED, {"ids": list(ids)})]


def withdraw(connection: Connection, ids: Sequence[int]) -> None:
    """Ask for these no more; and forget what is old."""
    connection.execute(WITHDRAW, {"ids": list(ids)})
