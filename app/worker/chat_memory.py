"""The memories of chats, stored in PostgreSQL, so that every worker has the same ones."""

from collections.abc import Sequence

from app.repository import chat_messages
from app.worker.database import Database


class WorkflowChats:
    """The sessions of one workflow's chats, as its nodes ask for them."""

    def __init__(self, database: Database, workflow_id: str) -> None:
        self._database = database
        self._workflow_id = workflow_id

    async def add(self, session: str, messages: Sequence[str]) -> None:
        """See `ChatMemory.add`."""
        await self._database.transact(chat_messages.add, self._workflow_id, session, messages)

    async def read(self, session: str) -> list[tuple[int, str]]:
        """See `ChatMemory.read`."""
        return await self._database.transact(chat_messages.read, self._workflow_id, session)

    async def clear(self, session: str, up_to: int | None = None) -> None:
        """See `ChatMemory.clear`."""
        await self._database.transact(chat_messages.clear, self._workflow_id, session, up_to)
