"""Hands the engine what a credential holds: read in the project that asks, decrypted, and not kept; with tokens that
are renewed when they are about to expire, or were refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.credentials import tokens
from app.credentials.errors import CannotDecrypt
from app.credentials.known_types import OAUTH2, KnownTypes
from app.credentials.oauth_errors import ConsentNeeded, OAuthError
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable
from app.outgoing.client import Outgoing
from app.worker.clock import Clock
from app.worker.database import Database
from app.worker.fetches import Fetches, WorkerFetch
from app.worker.renewals import Renewals


async def _nothing() -> None:
    """Wait for nothing."""


class Credentials:
    """The credentials that this worker reads; an asynchronous context manager, at whose end no renewal is under way."""

    def __init__(
        self,
        vault: Vault,
        database: Database,
        outgoing: Outgoing,
        clock: Clock,
        types: KnownTypes | None = None,
        known: Callable[[], Awaitable[object]] = _nothing,
    ) -> None:
        """`known` returns when all `types` are known."""
        self.known = known
        self.vault = vault
        self.database = database
        self.clock = clock
        self.types = types or KnownTypes()
        self.renewals = Renewals(vault, database, outgoing, self.types)
        self.fetches = Fetches(vault, database)

    async def __aenter__(self) -> "Credentials":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.renewals.wait_until_done()
        await self.fetches.wait_until_done()

    def of_project(self, project_id: str) -> "ProjectCredentials":
        """Those that executions and triggers of a project may ask for."""
        return ProjectCredentials(self, project_id)


@dataclass(frozen=True, slots=True)
class ProjectCredentials:
    """The credentials of one project. All functions raise CredentialUnreadable when the key is not the one that a
    credential was encrypted with, and when a token that is needed cannot be had."""

    all: Credentials
    project_id: str

    async def read(self, credential_id: str, kind: str) -> dict[str, Any] | None:
        """What the credential of this id and type holds, with what its type adds; None: there is none."""
        data = await self._read(credential_id, kind)
        if data is None or not self._is_due(kind, data):
            return data
        held = tokens.tokens_in(data)
        try:
            await self.all.renewals.renew(self.project_id, credential_id, kind, tokens.access_token(held))
        except OAuthError as error:
            if tokens.access_token(held) and not tokens.is_expired(held, self.all.clock.now()):
                return data
            raise unreadable(credential_id, error) from error
        return await self._read(credential_id, kind)

    async def renew(self, credential_id: str, kind: str, refused: str) -> dict[str, Any]:
        """The same once it holds another access token than the one that was refused."""
        try:
            await self.all.renewals.renew(self.project_id, credential_id, kind, refused)
        except OAuthError as error:
            raise unreadable(credential_id, error) from error
        data = await self._read(credential_id, kind)
        if data is None:
            raise CredentialUnreadable(f'The credential "{credential_id}" is not there any more.')
        return data

    async def begin_fetch(self, credential_id: str, kind: str, field: str, refused: object) -> WorkerFetch | None:
        """See `BeginFetch`."""
        return await self.all.fetches.begin(self.project_id, credential_id, kind, field, refused)

    async def _read(self, credential_id: str, kind: str) -> dict[str, Any] | None:
        vault, types = self.all.vault, self.all.types
        await self.all.known()
        try:
            data = await self.all.database.transact(vault.read_for_use, self.project_id, credential_id, kind)
        except (CannotDecrypt, OSError) as error:
            raise CredentialUnreadable(str(error)) from error
        if data is None or types.protocol(kind) is None:
            return data
        completed = await asyncio.to_thread(types.complete, kind, data)
        return {**completed, tokens.FIELD: tokens.tokens_in(data)}

    def _is_due(self, kind: str, data: Mapping[str, Any]) -> bool:
        """Whether a token has to be got before the first request."""
        if self.all.types.protocol(kind) != OAUTH2:
            return False
        held = tokens.tokens_in(data)
        if not tokens.access_token(held):
            return True
        renewable = tokens.refresh_token(held) or data.get("grantType") == "clientCredentials"
        return bool(renewable) and tokens.is_due(held, self.all.clock.now())


def unreadable(credential_id: str, error: OAuthError) -> CredentialUnreadable:
    """The error in words for the workflow's author."""
    if isinstance(error, ConsentNeeded):
        path = f"/api/v1/credentials/{credential_id}/authorize"
        return CredentialUnreadable(f'The credential "{credential_id}" {error}. Open what GET {path} answers.')
    return CredentialUnreadable(f'The credential "{credential_id}" got no access token. {error}')
