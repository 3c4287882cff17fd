"""Transactions that take turns, statement by statement, in an order that a test chooses and can repeat.

Each actor runs in a thread of its own on a real connection. Before each statement, and before its commit, it waits for
its turn. One that PostgreSQL makes wait for a lock gives its turn to the others until it gets the lock.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import psycopg

from app.repository.connection import Connection, configure
from app.repository.errors import translate_errors
from tests.patience import PATIENCE_SECONDS

LOOK_SECONDS = 0.002  # how long a statement may take before it is asked whether it waits for a lock
STUCK_SECONDS = PATIENCE_SECONDS

IS_BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


class State(Enum):
    READY = auto()
    RUNNING = auto()
    DONE = auto()


class Turn:
    """One actor's place in the order: `wait` is called by the actor, the rest by whoever gives out the turns."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.state = State.RUNNING

    def wait(self) -> None:
        """Give the turn back, and return when it is given again."""
        with self._condition:
            self.state = State.READY
            self._condition.notify_all()
            self._condition.wait_for(lambda: self.state is State.RUNNING, STUCK_SECONDS)

    def give(self) -> None:
        with self._condition:
            self.state = State.RUNNING
            self._condition.notify_all()

    def end(self) -> None:
        with self._condition:
            self.state = State.DONE
            self._condition.notify_all()

    def returned(self, timeout: float) -> bool:
        """Whether the actor has given the turn back, or has ended, within `timeout` seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self.state in (State.READY, State.DONE), timeout)


class SteppedCursor(psycopg.Cursor[Any]):
    """A cursor that waits for its connection's turn before each statement."""

    def execute(self, *arguments: Any, **options: Any) -> "SteppedCursor":
        assert isinstance(self.connection, SteppedConnection)
        self.connection.step()
        super().execute(*arguments, **options)
        return self


class SteppedConnection(psycopg.Connection[Any]):
    """A connection of one actor. Its pipelines send one statement at a time, so that none gets past its turn."""

    turn: Turn | None = None

    def step(self) -> None:
        if self.turn is not None:
            self.turn.wait()

    def commit(self) -> None:
        self.step()
        super().commit()

    @contextmanager
    def pipeline(self) -> Iterator[Any]:
        yield None


@dataclass(frozen=True, slots=True)
class Ending:
    """What an actor's transaction returned, or the exception that rolled it back."""

    answer: Any = None
    error: BaseException | None = None


Operation = Callable[[Connection], Any]


class Stage:
    """Connections for some actors, and one that watches who waits for whom."""

    def __init__(self, database_url: str, actors: int) -> None:
        self._watcher = psycopg.connect(database_url, autocommit=True)
        self._connections = [self._open(database_url) for _ in range(actors)]
        self._threads = ThreadPoolExecutor(actors)

    def _open(self, database_url: str) -> SteppedConnection:
        # A circle of waits is to be seen at once: it is what these tests look for.
        connection = SteppedConnection.connect(
            database_url, cursor_factory=SteppedCursor, options="-c timezone=UTC -c deadlock_timeout=20ms"
        )
        configure(connection)
        return connection

    def close(self) -> None:
        self._threads.shutdown()
        for connection in (self._watcher, *self._connections):
            connection.close()

    def play(self, operations: Sequence[Operation], order: Sequence[int]) -> list[Ending]:
        """Run each operation in a transaction of its own; `order` says whose turn it is, then it goes round."""
        turns = [Turn() for _ in operations]
        endings = [
            self._threads.submit(self._act, operation, connection, turn)
            for operation, connection, turn in zip(operations, self._connections, turns, strict=False)
        ]
        self._give_turns(turns, endings, order)
        return [ending.result(STUCK_SECONDS) for ending in endings]

    def _act(self, operation: Operation, connection: SteppedConnection, turn: Turn) -> Ending:
        try:
            connection.turn = turn
            with translate_errors():
                answer = operation(connection)
                connection.commit()
            return Ending(answer)
        except Exception as error:
            connection.turn = None
            connection.rollback()
            return Ending(error=error)
        finally:
            connection.turn = None
            turn.end()

    def _give_turns(self, turns: list[Turn], endings: list[Future[Ending]], order: Sequence[int]) -> None:
        deadline = time.monotonic() + STUCK_SECONDS
        choices = iter(order)
        while True:
            self._settle(turns)
            ready = [turn for turn in turns if turn.state is State.READY]
            if ready:
                ready[next(choices, 0) % len(ready)].give()
            elif all(turn.state is State.DONE for turn in turns):
                return
            assert time.monotonic() < deadline, "nobody can go on"

    def _settle(self, turns: list[Turn]) -> None:
        """Wait until everybody has given the turn back, has ended, or waits for a lock."""
        for turn, connection in zip(turns, self._connections, strict=False):
            while not turn.returned(LOOK_SECONDS):
                if self._watcher.execute(IS_BLOCKED, [connection.info.backend_pid]).fetchone() == (True,):
                    break
