"""A connection to n8n's PostgreSQL that ends when a server sends more than anything of n8n's takes, or hardly anything.

libpq keeps a message until all of it is there, and psycopg all rows of an answer: both would take whatever comes.
"""

from collections.abc import Generator
from time import monotonic, thread_time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen, PQGenConn

from app.engine.nodes.postgres.connecting import connect_in_few_bytes
from app.engine.nodes.shared.connection_errors import hide_password
from app.importing.n8n.bounds import AT_ONCE_BYTES
from app.outgoing.sockets import Arrived

T = TypeVar("T")
COPIES = 4
"""So often the largest data may be in what comes at once: a file comes as twice its bytes."""
STEP_SECONDS = 5.0
"""CPU time that libpq may take for what it reads at once: it goes through a list of settings for each new one."""
ANSWER_SECONDS = 900.0
"""How long an answer may take: to look through a table of n8n's without an index takes a while."""
SLOWEST = 1_024
"""Bytes a second with which it has to come once it has taken that long."""
MAX_COMPLAINT = 1_000
"""Characters that are shown of what a server says."""


class CountedConnection(psycopg.Connection[dict[str, Any]]):
    """`most_bytes` is how large data and files may be. What comes at once is counted where the system tells: on
    Linux, of TCP."""

    most_bytes = 0

    def __init__(self, pgconn: Any, row_factory: Any = None) -> None:
        super().__init__(pgconn, row_factory)
        self._arrived = Arrived(pgconn.socket)
        self.add_notify_handler(lambda notification: None)  # psycopg would keep them for whoever asks

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn["CountedConnection"]:
        return cls((yield from connect_in_few_bytes(conninfo)))

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        """As psycopg's. Raises psycopg.OperationalError where too much comes, too little for a long time, or what takes
        too long to read."""
        return super().wait(self._counting(gen), *args, **kwargs)

    def close(self) -> None:
        """As psycopg's."""
        super().close()
        self._arrived.close()

    def _counting(self, work: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        before, asked_at = self._arrived(), monotonic()
        most = 2 * AT_ONCE_BYTES + COPIES * self.most_bytes
        ready = None
        while True:
            began = thread_time()
            try:
                wanted = work.send(ready)
            except StopIteration as end:
                made: T = end.value
                return made
            if thread_time() - began > STEP_SECONDS:
                self._give_up("What the server sends takes too long to read")
            ready = yield wanted  # a few times a second, whether anything has come or not
            arrived = self._arrived() - before
            if arrived > most:
                self._give_up("The server sends more than any answer takes")
            seconds = monotonic() - asked_at
            if seconds > ANSWER_SECONDS + arrived / SLOWEST:
                self._give_up(
                    f"The server has sent no more of an answer in {seconds:,.0f} seconds than {arrived:,} bytes"
                )

    def _give_up(self, why: str) -> None:
        self.pgconn.finish()  # nobody reads on to tell it
        raise psycopg.OperationalError(why)


def complaint(error: Exception, password: object) -> str:
    """What a server or its library says, as one line of bounded length and without the password."""
    return hide_password(" ".join(str(error).split())[:MAX_COMPLAINT], password)
