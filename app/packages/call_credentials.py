"""The credentials that one call of a node package is given.

Only those of the types that the node's own type declares; what they hold is remembered until the call is over, so that
it can be hidden in what the call says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from app.credentials.tokens import REFUSED, access_token, tokens_in
from app.engine.run.context import NodeContext
from app.packages.requests import RequestError
from app.packages.tokens import Key, Tokens, Turns

Json = dict[str, Any]
OPEN = frozenset(
    {"host", "port", "url", "baseUrl", "server", "domain", "user", "username", "email", "database", "allowedDomains"}
)
"""Fields of credentials that may be repeated in errors and lines, whatever their type."""


class CallCredentials:
    """Answers what a call asks of credentials. `secrets` are what they hold, which nothing that the call says shows."""

    def __init__(
        self,
        context: NodeContext,
        declared: Mapping[str, Json],
        tokens: Tokens,
        endings: list[Callable[[], None]],
        secrets: set[str],
    ) -> None:
        """`declared` are the types that may be read; `endings` are called when the call has ended."""
        self.secrets = secrets
        self._context = context
        self._declared = declared
        self._open = OPEN.union(*(each.get("open") or () for each in declared.values()))
        self._tokens = tokens
        self._turns = Turns(tokens, context, endings)
        self._read: dict[str, bytes] = {}

    async def read(self, given: Json) -> Json:
        """The credential of a type. Raises RequestError for a type that is not declared."""
        kind = str(given.get("type"))
        if kind not in self._declared:
            raise RequestError({"message": f"Node type does not declare credentials of type '{kind}'"})
        data = await self._context.credential(kind)
        base = orjson.dumps(data, default=str)
        self._read[kind] = base
        token = self._tokens.get(self._key(kind))
        if token is not None and token[0] == base:
            data = {**data, **token[1]}
        self._hide(value for name, value in data.items() if name not in self._open)
        return {"result": {"data": data}}

    async def fetch(self, given: Json) -> Json:
        """The credential with another value of `field` than `refused`; no data where the call is to fetch one.

        One call of each worker asks whether another worker gets one.

        It says afterwards what it has got (`keep`): until then others wait, unless one has failed for them.
        """
        kind, field, refused = str(given.get("type")), str(given.get("field")), given.get("refused")
        key = self._key(kind)
        while True:
            fetched = await self._tokens.wait(key)
            answer = await self.read(given)
            token = answer["result"]["data"].get(field)
            if token and (fetched or token != refused):
                return answer
            mine = await self._turns.begin(key, field, refused)
            if mine is False:
                return await self.read(given)
            if mine or fetched is not None:
                return {"result": {"data": None}}

    async def keep(self, given: Json) -> Json:
        """Keep what was fetched; without `data`, nothing was got."""
        kind, data = str(given.get("type")), given.get("data")
        key = self._key(kind)
        fetched = kind in self._read and isinstance(data, dict)
        if fetched and data is not None:
            self._tokens[key] = (self._read[kind], data)
            self._hide(data.values())
            await self._turns.keep(key, data)
        self._turns.end(key, fetched=fetched)
        return {"result": None}

    async def renew(self, given: Json) -> Json:
        """The credential with another access token than `refused`; `anew`: than the one that is stored."""
        kind, refused = str(given.get("type")), given.get("refused")
        data = (await self.read(given))["result"]["data"]
        if given.get("anew") is True:
            refused = access_token(tokens_in(data))
        if isinstance(refused, str) and refused:
            data = await self._context.renew_credential(kind, refused)
            self._hide(value for name, value in data.items() if name not in self._open)
        return {"result": {"data": data}}

    def _key(self, kind: str) -> Key:
        named = (self._context.node.document.get("credentials") or {}).get(kind) or {}
        return str(named.get("id")), kind

    def _hide(self, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, str) and len(value) > 3:
                self.secrets.add(value)
            elif isinstance(value, dict):
                # What a provider said when it refused is told to users: no secret.
                self._hide(part for name, part in value.items() if name != REFUSED)
