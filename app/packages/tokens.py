"""Tokens that credentials have fetched before their use: each is fetched by one call, and used by all of all workers.

Calls of one worker wait for each other here. Whether another worker is at it, and what it got, its ports know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from app.bounded_dict import BoundedDict
from app.credentials.fetched import FETCH_SECONDS
from app.engine.run.context import NodeContext
from app.engine.run.credentials import TokenFetch, begin_fetch

Key = tuple[str, str]
"""A credential, by id and type."""
Turn = asyncio.Future[bool | None]
"""The turn of a call to fetch a token: whether it has got one, as `Tokens.end` says it."""


class Tokens(BoundedDict[Key, tuple[bytes, dict[str, Any]]]):
    """The tokens by credential, each with what it was fetched with: the `most` that were fetched last.

    They are used where they could not be stored with the credential.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._fetching: dict[Key, Turn] = {}

    async def wait(self, key: Key) -> bool | None:
        """Whether the call that is about to fetch a token has got one, once that is known.

        None: none is about to, or it was over before the service has given or refused one.
        """
        other = self._fetching.get(key)
        return None if other is None else await asyncio.shield(other)

    def begin(self, key: Key) -> Turn | None:
        """Let this call fetch one, unless another one does; `end` takes what is given."""
        if key in self._fetching:
            return None
        turn: Turn = asyncio.get_running_loop().create_future()
        self._fetching[key] = turn
        return turn

    def limit(self, key: Key, turn: Turn) -> None:
        """The call fetches from now on: others wait FETCH_SECONDS for it."""
        late = partial(self.end, key, turn, fetched=False)
        timer = asyncio.get_running_loop().call_later(FETCH_SECONDS, late)
        turn.add_done_callback(lambda done: timer.cancel())

    def end(self, key: Key, turn: Turn, *, fetched: bool | None) -> None:
        """The call has fetched one, or was refused it (False), or nothing came of it (None: another one may try).

        Nothing where that was said before.
        """
        if not turn.done():
            turn.set_result(fetched)
        if self._fetching.get(key) is turn:
            del self._fetching[key]


class Turns:
    """The turns of one call to fetch tokens. `endings` are called when it is over."""

    def __init__(self, tokens: Tokens, context: NodeContext, endings: list[Callable[[], None]]) -> None:
        self._tokens = tokens
        self._context = context
        self._endings = endings
        self._turns: dict[Key, Turn] = {}
        self._fetches: dict[Key, TokenFetch] = {}

    async def begin(self, key: Key, field: str, refused: object) -> bool | None:
        """Whether this call is to fetch a token; None: another one of this worker is at it.

        False: the credential's `field` has another one than was `refused` by now. Raises NodeError.
        """
        turn = self._tokens.begin(key)
        if turn is None:
            return None
        self._turns[key] = turn
        self._endings.append(partial(self._tokens.end, key, turn, fetched=None))
        begin = self._context.execution.ports.begin_fetch
        if begin is None:
            self._tokens.limit(key, turn)
            return True
        try:
            fetch = await begin_fetch(self._context.node, key[1], field, refused, begin)
        except BaseException:  # also where PostgreSQL is away
            self.end(key, fetched=None)
            raise
        if fetch is None:
            self.end(key, fetched=True)
            return False
        self._fetches[key] = fetch
        self._endings.append(fetch.end)
        self._tokens.limit(key, turn)
        return True

    async def keep(self, key: Key, fetched: dict[str, Any]) -> None:
        """Keep with the credential what was fetched."""
        if (fetch := self._fetches.get(key)) is not None:
            await fetch.keep(fetched)

    def end(self, key: Key, *, fetched: bool | None) -> None:
        """See `Tokens.end`."""
        if (fetch := self._fetches.pop(key, None)) is not None:
            fetch.end()
        if (turn := self._turns.pop(key, None)) is not None:
            self._tokens.end(key, turn, fetched=fetched)
