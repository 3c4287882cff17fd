"""Tests of credentials that only a worker with the type's package can do: asked for, done by one, told and forgotten.

Whoever asks waits for a few seconds only, so none is done twice, and none that is old.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import args_row

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.workers import hold_lease

ASK = """
    INSERT INTO credential_tests (credential_id, project_id, type)
    VALUES (%(credential_id)s, %(project_id)s, %(type)s)
    RETURNING id
"""

TAKE = """
    UPDATE credential_tests AS t
       SET worker_id = %(worker_id)s
     WHERE t.id IN (
               SELECT d.id
                 FROM credential_tests AS d
                WHERE d.worker_id IS NULL AND d.type = ANY(%(types)s::text[])
                  AND d.created_at > statement_timestamp() - make_interval(secs => %(seconds)s)
                ORDER BY d.id
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED)
    RETURNING t.id, t.credential_id, t.project_id, t.type
"""

END = """
    UPDATE credential_tests AS t
       SET done_at = clock_timestamp(), problem = %(problem)s
     WHERE t.id = %(id)s AND t.worker_id = %(worker_id)s
"""

OUTCOME = """
    SELECT t.worker_id IS NOT NULL, t.done_at IS NOT NULL, t.problem
      FROM credential_tests AS t
     WHERE t.id = %(id)s
"""

WITHDRAW = """
    DELETE FROM credential_tests AS t
     WHERE t.id = %(id)s
"""

# Whoever asked is gone without a word.
FORGET = """
    DELETE FROM credential_tests AS t
     WHERE t.created_at < statement_timestamp() - interval '1 hour'
"""


@dataclass(frozen=True, slots=True)
class CredentialTest:
    """What a worker has taken: it reads the credential itself."""

    id: int
    credential_id: str
    project_id: str
    type: str


@dataclass(frozen=True, slots=True)
class CredentialTestOutcome:
    """What has become of a test: `taken` by a worker, `done`, and why the service does not take the credential."""

    taken: bool
    done: bool
    problem: str | None


def ask(connection: Connection, credential_id: str, project_id: str, kind: str) -> int:
    """Have a worker test the credential; returns the id under which one can look what came of it."""
    number = int(scalar(connection, ASK, {"credential_id": credential_id, "project_id": project_id, "type": kind}))
    notifications.announce_tests(connection)
    return number


def take(
    connection: Connection, worker_id: int, limit: int, types: Sequence[str], *, seconds: float
) -> list[CredentialTest]:
    """At most `limit` of these types, asked for within `seconds`, for this worker alone; none when its lease lapsed."""
    if limit < 1 or not types or not hold_lease(connection, worker_id):
        return []
    values = {"worker_id": worker_id, "limit": limit, "types": list(types), "seconds": seconds}
    with connection.cursor(row_factory=args_row(CredentialTest)) as cursor:
        return cursor.execute(TAKE, values).fetchall()


def end(connection: Connection, worker_id: int, number: int, problem: str | None) -> None:
    """Say what came of a test that this worker has taken."""
    connection.execute(END, {"id": number, "worker_id": worker_id, "problem": problem})


def read_outcome(connection: Connection, number: int) -> CredentialTestOutcome:
    """What has become of it so far."""
    row = connection.execute(OUTCOME, {"id": number}).fetchone()
    return CredentialTestOutcome(taken=False, done=False, problem=None) if row is None else CredentialTestOutcome(*row)


def withdraw(connection: Connection, number: int) -> None:
    """Ask for this one no more."""
    connection.execute(WITHDRAW, {"id": number})


def forget_old(connection: Connection) -> None:
    """Drop what was asked for more than an hour ago."""
    connection.execute(FORGET)
