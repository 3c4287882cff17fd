"""Questions that only a worker with a package can answer: asked, taken by one worker, answered, read and forgotten.

Whoever asks waits for less than a minute, so nothing is answered twice, and nothing that is old. Each kind of question
has a table of its own; the tables differ in the column with what is asked, and not each kind has an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import args_row

from app.repository import notifications
from app.repository.connection import Connection, scalar
from app.repository.workers import hold_lease

ASK = sql.SQL("""
    INSERT INTO {table} (project_id, type, {asked})
    VALUES (%(project_id)s, %(type)s, %(asked)s)
    RETURNING id
""")

TAKE = sql.SQL("""
    UPDATE {table} AS q
       SET worker_id = %(worker_id)s
     WHERE q.id IN (
               SELECT d.id
                 FROM {table} AS d
                WHERE d.worker_id IS NULL AND d.type = ANY(%(types)s::text[])
                  AND d.created_at > statement_timestamp() - make_interval(secs => %(seconds)s)
                  AND d.project_id <> ALL(%(busy)s::text[])
                ORDER BY d.id
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED)
    RETURNING q.id, q.project_id, q.type, q.{asked}
""")

END = sql.SQL("""
    UPDATE {table} AS q
       SET done_at = clock_timestamp(), problem = %(problem)s{set_answer}
     WHERE q.id = %(id)s AND q.worker_id = %(worker_id)s
""")
SET_ANSWER = sql.SQL(", answer = %(answer)s")

READ = sql.SQL("""
    SELECT q.worker_id IS NOT NULL, q.done_at IS NOT NULL, q.problem, {answer}
      FROM {table} AS q
     WHERE q.id = %(id)s
""")
ANSWER = sql.SQL("q.answer")
NO_ANSWER = sql.SQL("NULL::bytea")

WITHDRAW = sql.SQL("""
    DELETE FROM {table} AS q
     WHERE q.id = %(id)s
""")

# Whoever asked is gone without a word.
FORGET = sql.SQL("""
    DELETE FROM {table} AS q
     WHERE q.created_at < statement_timestamp() - interval '1 hour'
""")


@dataclass(frozen=True, slots=True)
class QuestionTable:
    """A table of questions: its column with what is asked, and whether it has one for an answer."""

    name: str
    asked: str
    has_answers: bool

    def compose(self, statement: sql.SQL) -> sql.Composed:
        """The statement over this table."""
        return statement.format(
            table=sql.Identifier(self.name),
            asked=sql.Identifier(self.asked),
            answer=ANSWER if self.has_answers else NO_ANSWER,
            set_answer=SET_ANSWER if self.has_answers else sql.SQL(""),
        )


CREDENTIAL_TESTS = QuestionTable("credential_tests", "credential_id", has_answers=False)
"""Does the service take this credential? Asked by the credential's id and type; a problem says why it does not."""
NODE_QUESTIONS = QuestionTable("node_questions", "question", has_answers=True)
"""What does this type of node offer in a form? Asked and answered in JSON."""
TABLES = (CREDENTIAL_TESTS, NODE_QUESTIONS)


@dataclass(frozen=True, slots=True)
class Question:
    """What a worker has taken: `asked` about a `type`, of a credential or a node, for a project."""

    id: int
    project_id: str
    type: str
    asked: str | bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What has become of a question: `taken` by a worker, `done`, and then the problem or the answer, if any."""

    taken: bool = False
    done: bool = False
    problem: str | None = None
    answer: bytes | None = None


def ask(connection: Connection, table: QuestionTable, project_id: str, kind: str, asked: str | bytes) -> int:
    """Have a worker answer a question about the type `kind`; returns the id under which the answer can be read."""
    values = {"project_id": project_id, "type": kind, "asked": asked}
    number = int(scalar(connection, table.compose(ASK), values))
    notifications.announce_questions(connection)
    return number


def take(
    connection: Connection,
    table: QuestionTable,
    worker_id: int,
    limit: int,
    types: Sequence[str],
    *,
    seconds: float,
    busy: Sequence[str] = (),
) -> list[Question]:
    """At most `limit` about these types, asked within `seconds`, for this worker alone; none when its lease lapsed.

    Those of projects that keep the worker `busy` are left to others.
    """
    if limit < 1 or not types or not hold_lease(connection, worker_id):
        return []
    values = {"worker_id": worker_id, "limit": limit, "types": list(types), "seconds": seconds, "busy": list(busy)}
    with connection.cursor(row_factory=args_row(Question)) as cursor:
        return cursor.execute(table.compose(TAKE), values).fetchall()


def end(
    connection: Connection,
    table: QuestionTable,
    worker_id: int,
    number: int,
    *,
    problem: str | None = None,
    answer: bytes | None = None,
) -> None:
    """Answer a question that this worker has taken."""
    values = {"id": number, "worker_id": worker_id, "problem": problem, "answer": answer}
    connection.execute(table.compose(END), values)


def read_answer(connection: Connection, table: QuestionTable, number: int) -> Answer:
    """What has become of it so far."""
    with connection.cursor(row_factory=args_row(Answer)) as cursor:
        return cursor.execute(table.compose(READ), {"id": number}).fetchone() or Answer()


def withdraw(connection: Connection, table: QuestionTable, number: int) -> None:
    """Ask this one no more."""
    connection.execute(table.compose(WITHDRAW), {"id": number})


def forget_old(connection: Connection) -> None:
    """Drop what was asked more than an hour ago, of each kind, with its answers."""
    for table in TABLES:
        connection.execute(table.compose(FORGET))
