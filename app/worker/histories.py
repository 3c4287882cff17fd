"""The histories of Remove Duplicates, kept in PostgreSQL while the node runs, whatever becomes of the execution."""

from collections.abc import Callable, Collection
from typing import Concatenate, ParamSpec, TypeVar

from app.engine.run.histories import HistoryRefused
from app.repository import deduplication
from app.repository.connection import Connection
from app.worker.database import Database

T = TypeVar("T")
P = ParamSpec("P")
REASONS = {
    deduplication.OtherKind: "kind",
    deduplication.HistoryFull: "full",
    deduplication.NoSuchWorkflow: "workflow",
}


class WorkflowHistory:
    """The histories of one workflow, as its nodes ask for them."""

    def __init__(self, database: Database, workflow_id: str) -> None:
        self._database = database
        self._workflow_id = workflow_id

    async def add_values(self, scope: str, values: Collection[str], *, number: int, room: float | None) -> set[str]:
        """See `History.add_values`."""
        return await self._ask(
            deduplication.add_values,
            workflow_id=self._workflow_id,
            scope=scope,
            values=values,
            number=number,
            room=room,
        )

    async def pass_highest(self, scope: str, kind: str, highest: float) -> float | None:
        """See `History.pass_highest`."""
        return await self._ask(deduplication.pass_highest, self._workflow_id, scope, kind, highest)

    async def clear(self, scope: str) -> None:
        """See `History.clear`."""
        await self._ask(deduplication.clear, self._workflow_id, scope)

    async def _ask(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs) -> T:
        """Do something in a transaction of its own. Raises HistoryRefused."""
        try:
            return await self._database.transact(work, *arguments, **options)
        except tuple(REASONS) as error:
            raise HistoryRefused(REASONS[type(error)]) from error
