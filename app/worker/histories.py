"""The histories of Remove Duplicates, kept in PostgreSQL while the node runs, whatever becomes of the execution."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from psycopg_pool import ConnectionPool

from app.engine.run.histories import History, HistoryRefused
from app.repository import deduplication
from app.repository.connection import Connection, transaction

T = TypeVar("T")
REASONS = {
    deduplication.OtherKind: "kind",
    deduplication.HistoryFull: "full",
    deduplication.NoSuchWorkflow: "workflow",
}


class Histories:
    """The histories that executions on this worker may ask for."""

    def __init__(self, pool: ConnectionPool[Connection], threads: Executor) -> None:
        self._pool = pool
        self._threads = threads

    def of_workflow(self, workflow_id: str) -> History:
        return WorkflowHistory(self, workflow_id)

    async def ask(self, work: Callable[[Connection], T]) -> T:
        """Do something in a transaction of its own. Raises HistoryRefused."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with transaction(self._pool) as connection:
                return work(connection)
        except tuple(REASONS) as error:
            raise HistoryRefused(REASONS[type(error)]) from error


class WorkflowHistory:
    """The histories of one workflow, as its nodes ask for them."""

    def __init__(self, histories: Histories, workflow_id: str) -> None:
        self._histories = histories
        self._workflow_id = workflow_id

    async def add_values(self, scope: str, values: Collection[str], *, number: int, room: float | None) -> set[str]:
        add = partial(
            deduplication.add_values,
            workflow_id=self._workflow_id,
            scope=scope,
            values=values,
            number=number,
            room=room,
        )
        return await self._histories.ask(add)

    async def pass_highest(self, scope: str, kind: str, highest: float) -> float | None:
        return await self._histories.ask(
            lambda connection: deduplication.pass_highest(connection, self._workflow_id, scope, kind, highest)
        )

    async def clear(self, scope: str) -> None:
        await self._histories.ask(lambda connection: deduplication.clear(connection, self._workflow_id, scope))
