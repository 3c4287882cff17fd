"""What was said in the sessions of a workflow's chats: the messages of memories, the newest of each.

Who adds to a session locks it first, so executions that end at once keep what either has said, each in one piece.
"""

import hashlib
from collections.abc import Sequence

from app.repository.connection import Connection

MAX_PER_SESSION = 1_000
MAX_READ_BYTES = 16 * 2**20
"""So much of a session is read, the newest first."""
MAX_PER_WORKFLOW, MAX_BYTES_PER_WORKFLOW = 100_000, 256 * 2**20
"""Looked at now and then: who writes to it meanwhile may pass it by a little."""
LOOK_EACH = 101
"""One of so many messages has the workflow's bounds looked at."""
KEPT_DAYS = 30
FORGET_AT_ONCE = 10_000

LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('chat messages', hashtext(%(lock)s)))
"""

ADD = """
    INSERT INTO chat_messages (workflow_id, session_sha256, message, size)
    SELECT w.id, %(session)s, m.message, octet_length(m.message)
      FROM workflows AS w, unnest(%(messages)s::text[]) WITH ORDINALITY AS m (message, place)
     WHERE w.id = %(workflow_id)s
     ORDER BY m.place
    RETURNING id
"""

# Uses chat_messages_by_session.
TRIM_SESSION = """
    DELETE FROM chat_messages AS c
     WHERE c.workflow_id = %(workflow_id)s AND c.session_sha256 = %(session)s
       AND c.id <= (SELECT o.id
                      FROM chat_messages AS o
                     WHERE o.workflow_id = %(workflow_id)s AND o.session_sha256 = %(session)s
                     ORDER BY o.id DESC
                    OFFSET %(most)s
                     LIMIT 1)
"""

# Uses chat_messages_by_workflow.
TRIM_WORKFLOW = """
    DELETE FROM chat_messages AS c
     WHERE c.workflow_id = %(workflow_id)s
       AND c.id <= (SELECT s.id
                      FROM (SELECT o.id, row_number() OVER newest AS number, sum(o.size) OVER newest AS bytes
                              FROM chat_messages AS o
                             WHERE o.workflow_id = %(workflow_id)s
                            WINDOW newest AS (ORDER BY o.id DESC)) AS s
                     WHERE s.number > %(most)s OR s.bytes > %(bytes)s
                     ORDER BY s.id DESC
                     LIMIT 1)
"""

READ = """
    SELECT c.id, c.message
      FROM (SELECT n.id, sum(n.size) OVER (ORDER BY n.id DESC) AS bytes
              FROM (SELECT o.id, o.size
                      FROM chat_messages AS o
                     WHERE o.workflow_id = %(workflow_id)s AND o.session_sha256 = %(session)s
                     ORDER BY o.id DESC
                     LIMIT %(most)s) AS n) AS s
      JOIN chat_messages AS c ON c.id = s.id
     WHERE s.bytes <= %(bytes)s
     ORDER BY c.id
"""

CLEAR = """
    DELETE FROM chat_messages AS c
     WHERE c.workflow_id = %(workflow_id)s AND c.session_sha256 = %(session)s
       AND c.id <= coalesce(%(up_to)s::bigint, c.id)
"""

# The ids grow with the time, so the oldest are those with the lowest.
FORGET = """
    DELETE FROM chat_messages AS c
     WHERE c.id IN (SELECT o.id
                      FROM (SELECT f.id, f.created_at FROM chat_messages AS f ORDER BY f.id LIMIT %(limit)s) AS o
                     WHERE o.created_at < statement_timestamp() - make_interval(days => %(days)s))
"""


def add(connection: Connection, workflow_id: str, session: str, messages: Sequence[str]) -> None:
    """Add messages (JSON) to a session, in this order; the oldest make way. Nothing for a workflow that is gone."""
    digest = _digest(session)
    place = {"workflow_id": workflow_id, "session": digest}
    connection.execute(LOCK, {"lock": f"{workflow_id} {digest.hex()}"})
    added = connection.execute(ADD, {**place, "messages": list(messages)}).fetchall()
    connection.execute(TRIM_SESSION, {**place, "most": MAX_PER_SESSION})
    if any(number % LOOK_EACH == 0 for (number,) in added):
        bounds = {"most": MAX_PER_WORKFLOW, "bytes": MAX_BYTES_PER_WORKFLOW}
        connection.execute(TRIM_WORKFLOW, {"workflow_id": workflow_id, **bounds})


def read(connection: Connection, workflow_id: str, session: str) -> list[tuple[int, str]]:
    """The messages of a session (JSON), the oldest first, each with a number that grows."""
    given = {"workflow_id": workflow_id, "session": _digest(session), "most": MAX_PER_SESSION, "bytes": MAX_READ_BYTES}
    return [(row[0], row[1]) for row in connection.execute(READ, given)]


def clear(connection: Connection, workflow_id: str, session: str, up_to: int | None = None) -> None:
    """Forget a session, or of it what was said up to the message of that number."""
    connection.execute(CLEAR, {"workflow_id": workflow_id, "session": _digest(session), "up_to": up_to})


def forget_old(connection: Connection) -> None:
    """Drop what was said 30 days ago, in a step of a bounded size."""
    connection.execute(FORGET, {"days": KEPT_DAYS, "limit": FORGET_AT_ONCE})


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
