"""What only a worker with the package can answer: asked in PostgreSQL, and waited for. No transaction is open
meanwhile."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg_pool import ConnectionPool

from app.credentials.testing import Stored
from app.packages.form_questions import SECONDS, NobodyAnswers, NodeRefused, NotOffered, TooManyQuestions
from app.repository import worker_questions, workers
from app.repository.connection import Connection, reading, transaction
from app.repository.worker_questions import CREDENTIAL_TESTS, NODE_QUESTIONS, Answer, QuestionTable
from app.shares import NoRoom, Shares

Check = Callable[[str, dict[str, Any]], str]
TAKEN_SECONDS = 5.0
"""So soon a worker has taken what it can answer."""
LOOK_SECONDS = 0.1
MAX_QUESTION_BYTES = 2**20
AT_ONCE, AT_ONCE_EACH = 8, 2
"""Questions of forms: each holds a thread of the API."""
SEE_WORKERS = "see that one runs. `flask packages list` tells which packages there are, and what workers lack of them"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long somebody waits for the answer to a kind of question, and what is said when none comes."""

    seconds: float
    no_worker: str
    not_taken: str
    too_slow: str


TEST = Patience(
    15.0,
    "No worker is there that could test it: start one, and try again",
    f"No worker that has the package of this credential has taken the test: {SEE_WORKERS}",
    "The test has not ended within 15 seconds",
)
NODE = Patience(
    SECONDS + 5.0,
    "No worker is there that could ask the node: start one, and try again",
    f"No worker that has the package of this node has taken the question: {SEE_WORKERS}",
    f"The node has not answered within {SECONDS + 5.0:g} seconds",
)


class WorkerQuestions:
    """What one application asks of the workers that have shown life within `lease_seconds`."""

    def __init__(self, pool: ConnectionPool[Connection], lease_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds

    def ask(self, table: QuestionTable, patience: Patience, project_id: str, kind: str, asked: str | bytes) -> Answer:
        """The answer, when it is done. Raises NobodyAnswers."""
        with transaction(self._pool) as connection:
            if not workers.read_capacity(connection, lease_seconds=self._lease_seconds).workers:
                raise NobodyAnswers(patience.no_worker)
            number = worker_questions.ask(connection, table, project_id, kind, asked)
        try:
            return self._wait_for(table, patience, number)
        finally:
            with transaction(self._pool) as connection:
                worker_questions.withdraw(connection, table, number)

    def _wait_for(self, table: QuestionTable, patience: Patience, number: int) -> Answer:
        begun = time.monotonic()
        while True:
            with reading(self._pool) as connection:
                answer = worker_questions.read_answer(connection, table, number)
            if answer.done:
                return answer
            waited = time.monotonic() - begun
            if waited > patience.seconds:
                raise NobodyAnswers(patience.too_slow)
            if not answer.taken and waited > TAKEN_SECONDS:
                raise NobodyAnswers(patience.not_taken)
            time.sleep(LOOK_SECONDS)


class WorkerTests:
    """Tests of credentials by the code of their package."""

    def __init__(self, questions: WorkerQuestions) -> None:
        self._questions = questions

    def problem(self, stored: Stored, kind: str) -> str | None:
        """Why the service does not take the credential, or nobody could try it; None when it does."""
        try:
            return self._questions.ask(CREDENTIAL_TESTS, TEST, stored.project_id, kind, stored.credential_id).problem
        except NobodyAnswers as error:
            return str(error)


class WorkerChoices:
    """See NodeChoices.

    `check` gives the name by which workers know a node type, and raises NotOffered for what its package cannot answer.
    """

    def __init__(self, questions: WorkerQuestions, check: Check) -> None:
        self._questions = questions
        self._check = check
        self._running = Shares(AT_ONCE, AT_ONCE_EACH)

    def find(self, project_id: str, node_type: str, question: dict[str, Any], asked_by: Hashable) -> bytes:
        """See `NodeChoices.find`. Waits for a worker, and holds no connection meanwhile."""
        try:
            with self._running.taken(asked_by):
                return self._find(project_id, node_type, question)
        except NoRoom:
            raise TooManyQuestions from None

    def _find(self, project_id: str, node_type: str, question: dict[str, Any]) -> bytes:
        kind = self._check(node_type, question)
        text = orjson.dumps(question)
        if len(text) > MAX_QUESTION_BYTES:
            raise NotOffered(f"The parameters of a node may have {MAX_QUESTION_BYTES:,} bytes here")
        said = self._questions.ask(NODE_QUESTIONS, NODE, project_id, kind, text)
        if said.answer is None:
            raise NodeRefused(said.problem or "The node has not answered")
        return said.answer
