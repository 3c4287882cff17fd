"""Executions that came in waiting: held until the program that they came from has stopped, then on their way here."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.repository.connection import Connection

HOLD = """
    INSERT INTO imported_waits (execution_id, token, question_signatures, wait_till, resume_on, digest)
    VALUES (%(id)s, %(token)s, %(question_signatures)s, %(wait_till)s, %(resume_on)s, %(digest)s)
    ON CONFLICT (execution_id) DO UPDATE
       SET token = EXCLUDED.token, question_signatures = EXCLUDED.question_signatures,
           wait_till = EXCLUDED.wait_till, resume_on = EXCLUDED.resume_on, digest = EXCLUDED.digest
"""

FORGET_WAIT = "DELETE FROM imported_waits AS w WHERE w.execution_id = %(id)s"

HELD = """
    SELECT w.execution_id
      FROM imported_waits AS w
     WHERE w.execution_id = ANY(%(ids)s::bigint[]) AND w.released_at IS NULL
     ORDER BY w.execution_id
"""

# A worker's claim takes them from there.
RELEASE = """
    WITH released AS (
        UPDATE imported_waits AS w
           SET released_at = now()
         WHERE w.released_at IS NULL
        RETURNING w.execution_id, w.wait_till, w.resume_on)
    UPDATE executions AS e
       SET wait_till = r.wait_till, resume_on = r.resume_on
      FROM released AS r
     WHERE e.id = r.execution_id AND e.status = 'waiting'
"""

TOKEN = """
    SELECT w.token
      FROM imported_waits AS w
     WHERE w.execution_id = %(id)s
"""


QUESTION = """
    SELECT w.question_signatures
      FROM imported_waits AS w
     WHERE w.execution_id = %(id)s
"""
ANSWERS = ("false", "true")
"""What the links say that people answer by, in the order of their signatures."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a waiting execution waits for: a time (without a `node`), a call that `node` (JSON) describes, or the end of
    `child`, which `node` calls.

    `token` is what its resume link is signed with; None: links without a signature go, as they did where it came from.
    `question_signatures` are those of the links by which people answer no and yes; None: there are none, or nobody
    knows them, and the token counts.
    """

    till: datetime | None
    resume_on: str | None
    node: bytes | None
    token: str | None
    question_signatures: tuple[str, str] | None = None
    child: int | None = None


def hold(connection: Connection, execution_id: int, wait: Wait, *, digest: bytes) -> None:
    """Keep what an execution waits for, and the digest of it as it came; what was kept of it before is replaced."""
    signatures = None if wait.question_signatures is None else list(wait.question_signatures)
    values = {"id": execution_id, "token": wait.token, "wait_till": wait.till, "resume_on": wait.resume_on}
    connection.execute(HOLD, {**values, "question_signatures": signatures, "digest": digest})


def forget(connection: Connection, execution_id: int) -> None:
    """The execution no longer waits."""
    connection.execute(FORGET_WAIT, {"id": execution_id})


def find_held(connection: Connection, ids: Collection[int]) -> list[int]:
    """Which of these executions are held."""
    return [row[0] for row in connection.execute(HELD, {"ids": list(ids)})]


def release_waits(connection: Connection) -> int:
    """Let what was held go on when it is due; returns how many executions those are."""
    return connection.execute(RELEASE).rowcount


def is_resume_token(connection: Connection, execution_id: int, signature: str) -> bool:
    """Whether a resume link with this signature is one of an execution that came in waiting.

    Those of older n8ns have no signature: any goes, as it did there.
    """
    row = connection.execute(TOKEN, {"id": execution_id}).fetchone()
    if row is None:
        return False
    return row[0] is None or hmac.compare_digest(row[0].encode(), signature.encode("utf-8", "replace"))


def is_answer_signature(connection: Connection, execution_id: int, answer: str, signature: str) -> bool:
    """Whether a link with this signature lets people answer so ("true" or "false") what an execution asks that came
    in waiting."""
    row = connection.execute(QUESTION, {"id": execution_id}).fetchone()
    if row is None or row[0] is None:
        return is_resume_token(connection, execution_id, signature)
    signatures = dict(zip(ANSWERS, row[0], strict=True))
    given = signature.encode("utf-8", "replace")
    return answer in signatures and hmac.compare_digest(signatures[answer].encode(), given)
