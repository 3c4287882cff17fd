"""PostgreSQL as the worker's loop reaches it: each piece of work in a thread, so that the loop turns meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Concatenate, ParamSpec, TypeVar

from psycopg_pool import ConnectionPool

from app.repository.connection import Connection, transaction

T = TypeVar("T")
P = ParamSpec("P")


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
