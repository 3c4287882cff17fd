"""The static data of workflows, kept in PostgreSQL as soon as a program has changed it.

Of programs that change the same part at once, on whatever worker, only the first is kept; the others run again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from app.engine.run.errors import NodeError
from app.engine.run.static_data import StaticStore
from app.repository import static_data
from app.worker.database import Database
from app.worker.keyed_locks import KeyedLocks
from app.worker.texts import strip_unstorable

Mask = Callable[[bytes], bytes]


class StaticStores:
    """The static data that executions on this worker may change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._locks = KeyedLocks()

    def of_workflow(self, workflow_id: str, mask: Mask) -> StaticStore:
        """`mask` takes out of JSON what must not be kept."""
        return WorkflowStatic(self._database, workflow_id, partial(self._locks.get, workflow_id), mask)


class WorkflowStatic:
    """The static data of one workflow, as the programs of one execution ask for it."""

    def __init__(self, database: Database, workflow_id: str, find_lock: Callable[[], asyncio.Lock], mask: Mask) -> None:
        self._database = database
        self._workflow_id = workflow_id
        self._find_lock = find_lock
        self._mask = mask

    async def read(self) -> dict[str, bytes]:
        """See `StaticStore.read`."""
        return await self._database.transact(static_data.read_parts, self._workflow_id)

    async def replace(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
        """See `StaticStore.replace`. Raises NodeError for what cannot be stored; secrets are masked."""
        parts = {strip_unstorable(scope): self._mask(part) for scope, part in after.items()}
        try:
            await self._database.transact(static_data.change, self._workflow_id, before, parts)
        except static_data.StaticDataChanged:
            return False
        except static_data.CannotKeep as error:
            raise NodeError(f"The workflow's static data could not be stored: {error}") from error
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """See `StaticStore.alone`; other workers are not kept waiting."""
        lock = self._find_lock()
        async with lock:
            yield
