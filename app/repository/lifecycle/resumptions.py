"""How an execution that waits for a call is told to go on, once."""

from app.repository import notifications
from app.repository.connection import Connection
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.execution_counts import scalar

# It becomes due; a worker's claim takes it from there. The guard lets the second of two calls find nothing.
RESUME = """
    UPDATE executions AS e
       SET wait_till = clock_timestamp(), resume_on = NULL, awaited = e.awaited OR %(awaited)s
     WHERE e.id = %(id)s AND e.status = 'waiting' AND e.resume_on = 'webhook'
    RETURNING true
"""

SAVE_RESUME_ITEMS = """
    INSERT INTO execution_inputs (execution_id, resume_items)
    VALUES (%(id)s, %(items)s::text::json)
    ON CONFLICT (execution_id) DO UPDATE SET resume_items = EXCLUDED.resume_items
"""

STATUS = """
    SELECT e.status
      FROM executions AS e
     WHERE e.id = %(id)s
"""


class NotWaiting(Conflict):
    """The execution does not wait for a call, or no longer."""


def resume_by_webhook(connection: Connection, execution_id: int, items: bytes, *, awaited: bool = False) -> None:
    """Let a waiting execution go on with these items (JSON). Raises ExecutionNotFound, NotWaiting."""
    if not scalar(connection, RESUME, {"id": execution_id, "awaited": awaited}):
        status = scalar(connection, STATUS, {"id": execution_id})
        if status is None:
            raise ExecutionNotFound
        raise NotWaiting(f"The execution {execution_id} does not wait for a call: its status is {status}")
    connection.execute(SAVE_RESUME_ITEMS, {"id": execution_id, "items": items.decode()})
    notifications.announce_new(connection)
