"""Tokens that credentials have fetched before their use: each is fetched by one call, and used by all of its worker."""

from __future__ import annotations

import asyncio
from typing import Any

from app.bounded_dict import BoundedDict

FETCH_SECONDS = 60.0
"""How long others wait for the call that fetches one; then they fetch one themselves."""

Key = tuple[str, str]
"""A credential, by id and type."""


class Tokens(BoundedDict[Key, tuple[bytes, dict[str, Any]]]):
    """The tokens by credential, each with what it was fetched with: the `most` that were fetched last."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._fetching: dict[Key, asyncio.Future[bool]] = {}

    async def wait(self, key: Key) -> bool | None:
        """Whether the call that is about to fetch a token has got one, once that is known; None: none is about to."""
        if (other := self._fetching.get(key)) is None:
            return None
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                return await asyncio.shield(other)
        except TimeoutError:
            self.end(key, other, fetched=False)
            return False

    def begin(self, key: Key) -> asyncio.Future[bool] | None:
        """Let this call fetch one, unless another one does; `end` takes what is given."""
        if key in self._fetching:
            return None
        turn = self._fetching[key] = asyncio.get_running_loop().create_future()
        return turn

    def end(self, key: Key, turn: asyncio.Future[bool], *, fetched: bool) -> None:
        """The call has fetched one, or will not; nothing where that was said before."""
        if not turn.done():
            turn.set_result(fetched)
        if self._fetching.get(key) is turn:
            del self._fetching[key]
