"""What the memories of AI nodes ask of whoever keeps the messages of chats from one execution to the next."""

from collections.abc import Sequence
from typing import Protocol


class ChatMemory(Protocol):
    """The sessions of one workflow's chats; a message is JSON as the memory's package writes it."""

    async def add(self, session: str, messages: Sequence[str]) -> None:
        """Add messages in this order, beside those that others add at the same time; the oldest make way."""

    async def read(self, session: str) -> list[tuple[int, str]]:
        """The messages, the oldest first, each with a number that grows."""

    async def clear(self, session: str, up_to: int | None = None) -> None:
        """Forget all messages, or those up to the one of that number."""
