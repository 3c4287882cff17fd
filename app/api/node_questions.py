"""Questions about nodes that only a worker with the package can answer: asked in PostgreSQL, and waited for. No
transaction is open meanwhile."""

import time
from collections.abc import Callable
from typing import Any

import orjson
from psycopg_pool import ConnectionPool

from app.packages.asking import SECONDS, NobodyAnswers, NodeRefused, NotOffered
from app.repository import node_questions, workers
from app.repository.connection import Connection, reading, transaction

Check = Callable[[str, dict[str, Any]], str]
TAKEN_SECONDS = 5.0
"""So soon a worker has taken what it can answer."""
PATIENCE_SECONDS = SECONDS + 5.0
LOOK_SECONDS = 0.1
MAX_QUESTION_BYTES = 2**20
NO_WORKER = "No worker is there that could ask the node: start one, and try again"
NO_PACKAGE = (
    "No worker that has the package of this node has taken the question: see that one runs. `flask packages list` "
    "tells which packages there are, and what workers lack of them"
)
TOO_SLOW = f"The node has not answered within {PATIENCE_SECONDS:g} seconds"


class WorkerQuestions:
    """See NodeChoices: what one application asks of the workers that have shown life within `lease_seconds`.

    `check` gives the name by which workers know a node type, and raises NotOffered for what its package cannot answer.
    """

    def __init__(self, pool: ConnectionPool[Connection], lease_seconds: float, check: Check) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._check = check

    def find(self, project_id: str, node_type: str, question: dict[str, Any]) -> bytes:
        kind = self._check(node_type, question)
        text = orjson.dumps(question)
        if len(text) > MAX_QUESTION_BYTES:
            raise NotOffered(f"The parameters of a node may have {MAX_QUESTION_BYTES:,} bytes here")
        with transaction(self._pool) as connection:
            if not workers.read_capacity(connection, lease_seconds=self._lease_seconds).workers:
                raise NobodyAnswers(NO_WORKER)
            number = node_questions.ask(connection, project_id, kind, text)
        try:
            return self._wait_for(number)
        finally:
            with transaction(self._pool) as connection:
                node_questions.withdraw(connection, number)

    def _wait_for(self, number: int) -> bytes:
        begun = time.monotonic()
        while True:
            with reading(self._pool) as connection:
                found = node_questions.read_answer(connection, number)
            if found.answer is not None:
                return found.answer
            if found.done:
                raise NodeRefused(found.problem or "The node has not answered")
            waited = time.monotonic() - begun
            if waited > PATIENCE_SECONDS:
                raise NobodyAnswers(TOO_SLOW)
            if not found.taken and waited > TAKEN_SECONDS:
                raise NobodyAnswers(NO_PACKAGE)
            time.sleep(LOOK_SECONDS)
