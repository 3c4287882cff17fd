"""What forms ask of the packages of nodes: asked for, answered by a worker that has the package, told and forgotten.

Whoever asks waits for less than a minute, so nothing is answered twice, and nothing that is old.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import args_row

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.workers import hold_lease

ASK = """
    INSERT INTO node_questions (project_id, type, question)
    VALUES (%(project_id)s, %(type)s, %(question)s)
    RETURNING id
"""

TAKE = """
    UPDATE node_questions AS q
       SET worker_id = %(worker_id)s
     WHERE q.id IN (
               SELECT d.id
                 FROM node_questions AS d
                WHERE d.worker_id IS NULL AND d.type = ANY(%(types)s::text[])
                  AND d.created_at > statement_timestamp() - make_interval(secs => %(seconds)s)
                ORDER BY d.id
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED)
    RETURNING q.id, q.project_id, q.type, q.question
"""

END = """
    UPDATE node_questions AS q
       SET done_at = clock_timestamp(), answer = %(answer)s, problem = %(problem)s
     WHERE q.id = %(id)s AND q.worker_id = %(worker_id)s
"""

OUTCOME = """
    SELECT q.worker_id IS NOT NULL, q.done_at IS NOT NULL, q.answer, q.problem
      FROM node_questions AS q
     WHERE q.id = %(id)s
"""

WITHDRAW = """
    DELETE FROM node_questions AS q
     WHERE q.id = %(id)s
"""

# Whoever asked is gone without a word.
FORGET = """
    DELETE FROM node_questions AS q
     WHERE q.created_at < statement_timestamp() - interval '1 hour'
"""


@dataclass(frozen=True, slots=True)
class NodeQuestion:
    """What a worker has taken; `question` is JSON."""

    id: int
    project_id: str
    type: str
    question: bytes


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What has become of a question: `taken` by a worker, `done`, and its `answer` in JSON or the problem."""

    taken: bool = False
    done: bool = False
    answer: bytes | None = None
    problem: str | None = None


def ask(connection: Connection, project_id: str, kind: str, question: bytes) -> int:
    """Have a worker answer a question about that type of node; returns the id under which one can look."""
    number = int(scalar(connection, ASK, {"project_id": project_id, "type": kind, "question": question}))
    notifications.announce_tests(connection)
    return number


def take(
    connection: Connection, worker_id: int, limit: int, types: Sequence[str], *, seconds: float
) -> list[NodeQuestion]:
    """At most `limit` about these types, asked within `seconds`, for this worker alone; none when its lease lapsed."""
    if limit < 1 or not types or not hold_lease(connection, worker_id):
        return []
    values = {"worker_id": worker_id, "limit": limit, "types": list(types), "seconds": seconds}
    with connection.cursor(row_factory=args_row(NodeQuestion)) as cursor:
        return cursor.execute(TAKE, values).fetchall()


def end(connection: Connection, worker_id: int, number: int, answer: bytes | None, problem: str | None) -> None:
    """Answer a question that this worker has taken."""
    connection.execute(END, {"id": number, "worker_id": worker_id, "answer": answer, "problem": problem})


def read_answer(connection: Connection, number: int) -> NodeAnswer:
    """What has become of it so far."""
    row = connection.execute(OUTCOME, {"id": number}).fetchone()
    return NodeAnswer() if row is None else NodeAnswer(*row)


def withdraw(connection: Connection, number: int) -> None:
    """Ask this one no more."""
    connection.execute(WITHDRAW, {"id": number})


def forget_old(connection: Connection) -> None:
    """Drop what was asked more than an hour ago, with its answers."""
    connection.execute(FORGET)
