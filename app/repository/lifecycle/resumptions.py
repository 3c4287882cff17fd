"""How an execution that waits for a call is told to go on, once."""

from dataclasses import dataclass

from app.repository import notifications
from app.repository.connection import Connection, json_of, scalar
from app.repository.errors import Conflict, ExecutionNotFound
from app.vocabulary import ENDED

# It becomes due; a worker's claim takes it from there. The guard lets the second of two calls find nothing.
RESUME = """
    UPDATE executions AS e
       SET wait_till = clock_timestamp(), resume_on = NULL, awaited = e.awaited OR %(awaited)s
     WHERE e.id = %(id)s AND e.status = 'waiting' AND e.resume_on = 'webhook'
       AND (%(version)s::text IS NULL
            OR EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id AND d.xmin::text = %(version)s))
    RETURNING true
"""

# The guard above reads what was recorded last only when nobody records the next wait meanwhile.
LOCK = """
    SELECT true
      FROM executions AS e
     WHERE e.id = %(id)s
       FOR UPDATE
"""

SAVE_RESUME_ITEMS = """
    INSERT INTO execution_inputs (execution_id, resume_items, sealed)
    VALUES (%(id)s, %(items)s, %(sealed)s)
    ON CONFLICT (execution_id) DO UPDATE SET resume_items = EXCLUDED.resume_items, sealed = EXCLUDED.sealed
"""

# What the call before this one was answered with.
FORGET_ANSWER = """
    DELETE FROM webhook_answers AS a
     WHERE a.execution_id = %(id)s
"""

# Data from before it was compressed has the node within.
WAITING_NODE = """
    SELECT e.status, e.resume_on, e.project_id,
           coalesce(d.waiting_node, without_nul(d.data) #> '{executionData,nodeExecutionStack,0,node}'),
           d.xmin::text
      FROM executions AS e
      LEFT JOIN execution_data AS d ON d.execution_id = e.id AND e.status = 'waiting'
     WHERE e.id = %(id)s
"""

STATUS = """
    SELECT e.status
      FROM executions AS e
     WHERE e.id = %(id)s
"""


class NotWaiting(Conflict):
    """The execution does not wait for a call, or no longer."""

    def __init__(self, execution_id: int, status: str) -> None:
        phrase = "has finished already" if status in ENDED else f"is {status} already"
        if status == "waiting":
            phrase = "does not wait for a call, or has got it already"
        super().__init__(f'The execution "{execution_id}" {phrase}.')


class AwaitsNoCall(NotWaiting):
    """The execution waits, but for a time or for another execution: no call was ever to end this wait."""


@dataclass(frozen=True, slots=True)
class WaitingNode:
    """The node at which an execution waits for a call, as its workflow has it (JSON).

    `version` tells this wait from the others of the execution, also from those at the same node.
    """

    node: bytes
    project_id: str
    version: str


def waiting_node(connection: Connection, execution_id: int) -> WaitingNode:
    """The node that waits for a call. Raises ExecutionNotFound, NotWaiting, AwaitsNoCall."""
    row = connection.execute(WAITING_NODE, {"id": execution_id}).fetchone()
    if row is None:
        raise ExecutionNotFound(f'The execution "{execution_id}" does not exist.')
    status, resume_on, project_id, node, version = row
    if status == "waiting" and (node is None or resume_on == "child"):
        raise AwaitsNoCall(execution_id, status)
    if resume_on != "webhook" or node is None:
        raise NotWaiting(execution_id, status)
    return WaitingNode(node, project_id, version)


def resume_by_webhook(
    connection: Connection,
    execution_id: int,
    items: bytes,
    waits_at: WaitingNode | None = None,
    *,
    awaited: bool = False,
    sealed: bytes | None = None,
) -> None:
    """Let a waiting execution go on with these items (JSON) and what has proved the caller, encrypted.

    `waits_at`: what the call was checked against; where the execution has gone on since, to wait again, it is not for
    that wait. Raises ExecutionNotFound, NotWaiting.
    """
    if waits_at is not None:
        connection.execute(LOCK, {"id": execution_id})
    version = None if waits_at is None else waits_at.version
    if not scalar(connection, RESUME, {"id": execution_id, "awaited": awaited, "version": version}):
        status = scalar(connection, STATUS, {"id": execution_id})
        if status is None:
            raise ExecutionNotFound
        raise NotWaiting(execution_id, status)
    connection.execute(FORGET_ANSWER, {"id": execution_id})
    connection.execute(SAVE_RESUME_ITEMS, {"id": execution_id, "items": json_of(items), "sealed": sealed})
    notifications.announce_new(connection)
