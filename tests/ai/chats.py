"""The messages of chats, kept in memory for as long as a test lasts."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count


class Chats:
    """A ChatMemory without a database."""

    def __init__(self) -> None:
        self.sessions: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.added: list[int] = []
        """How many messages came with each addition."""
        self._number = count(1)

    async def add(self, session: str, messages: Sequence[str]) -> None:
        self.added.append(len(messages))
        self.sessions[session] += [(next(self._number), message) for message in messages]

    async def read(self, session: str) -> list[tuple[int, str]]:
        return list(self.sessions[session])

    async def clear(self, session: str, up_to: int | None = None) -> None:
        self.sessions[session] = [each for each in self.sessions[session] if up_to is not None and each[0] > up_to]
