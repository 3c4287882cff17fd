"""PostgreSQL as the worker's loop reaches it: each piece of work in a thread, so that the loop turns meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Concatenate, ParamSpec, TypeVar

from psycopg_pool import ConnectionPool

from app.repository.connection import Connection, open_pool, transaction
from app.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")


def open_worker_pool(settings: Settings, *, size: int, name: str) -> ConnectionPool[Connection]:
    """At most `size` connections. A host that is cut off in the middle of a transaction holds no row any more when
    others give up what it ran: PostgreSQL waits for its next word for less than the lease.
    """
    return open_pool(
        settings.database_url,
        size=size,
        name=name,
        through_pooler=settings.through_pooler,
        idle_in_transaction=settings.lease_seconds / 2,
    )


class Database:
    """A pool of connections and the threads that use them."""

    def __init__(self, pool: ConnectionPool[Connection], threads: Executor) -> None:
        self._pool = pool
        self._threads = threads

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do work that waits for PostgreSQL, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def transact(
        self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Do work in a transaction of its own. Raises those of UNREACHABLE, and what the work does."""

        def transact() -> T:
            with transaction(self._pool) as connection:
                return work(connection, *arguments, **options)

        return await self.in_thread(transact)
