"""PostgreSQL as the worker's loop reaches it: each piece of work in a thread, so that the loop is not blocked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from psycopg_pool import ConnectionPool

from app.repository.connection import Connection, open_pool, transaction
from app.settings import Settings

LARGE_BYTES = 2**22
"""What a transaction sends beyond this goes over connections that nothing small waits for: it takes PostgreSQL about a
second for each 10 or 20 MB. (Records that change static data do not, nor what a transaction reads.)"""

T = TypeVar("T")
P = ParamSpec("P")


def open_worker_pool(settings: Settings, *, size: int, name: str, kept: int = 1) -> ConnectionPool[Connection]:
    """At most `size` connections, of which `kept` are there while nobody needs any.

    A host that is cut off in the middle of a transaction holds no row any more when others give up what it ran:
    PostgreSQL waits for its next word for less than the lease.
    """
    return open_pool(
        settings.database_url,
        size=size,
        kept=kept,
        name=name,
        through_pooler=settings.through_pooler,
        idle_in_transaction=settings.lease_seconds / 2,
    )


class Pools(NamedTuple):
    """The connections of a worker, but for those of its beat and of what listens: for what is large it opens two more
    when there is something, and the pool closes them when they were idle for 10 to 20 minutes."""

    usual: ConnectionPool[Connection]
    large: ConnectionPool[Connection]

    @classmethod
    def open(cls, settings: Settings) -> "Pools":
        """Those of a worker with these settings."""
        return cls(
            open_worker_pool(settings, size=5, name="worker"),
            open_worker_pool(settings, size=2, name="large", kept=0),
        )

    def close(self, timeout: float) -> None:
        """Close both, and wait for each so many seconds for its threads to end."""
        for pool in self:
            pool.close(timeout=timeout)


class Database:
    """A pool of connections and the threads that use them; for what is large, those of `large` if there are any."""

    def __init__(self, pool: ConnectionPool[Connection], threads: Executor, large: "Database | None" = None) -> None:
        self._pool = pool
        self._threads = threads
        self._large = large

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do work that waits for PostgreSQL, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def transact(
        self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Do work in a transaction of its own. Raises those of UNREACHABLE, and what the work does."""
        return await self._transact(0, lambda connection: work(connection, *arguments, **options))

    async def send(
        self, size: int, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """As `transact`, for work that sends or reads about `size` bytes: so that nothing small waits for it."""
        place = self._large if self._large is not None and size > LARGE_BYTES else self
        return await place._transact(size, lambda connection: work(connection, *arguments, **options))

    async def _transact(self, size: int, work: Callable[[Connection], T]) -> T:
        def transact() -> T:
            with transaction(self._pool, size) as connection:
                return work(connection)

        return await self.in_thread(transact)
