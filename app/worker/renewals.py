"""The renewals of this worker: one at a time for each credential, also with other workers at it.

A renewal goes on when the execution that wanted it is stopped: a refresh token may be spent by then, and what was got
for it must be stored.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from app.credentials import oauth2, renewals, service_accounts, tokens
from app.credentials.errors import CannotDecrypt
from app.credentials.known_types import SERVICE_ACCOUNT, KnownTypes
from app.credentials.oauth2 import OAuthClient
from app.credentials.oauth_errors import ConsentNeeded, OAuthError, ProviderRefused, ProviderUnreachable
from app.credentials.provider import SECONDS
from app.credentials.renewals import LEASE_SECONDS, Renewal
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable
from app.outgoing.client import Outgoing
from app.repository.connection import UNREACHABLE
from app.worker.database import Database

FIRST_PAUSE, MAX_PAUSE = 0.05, 1.0
STORE_SECONDS = 3_600.0
"""So long an outage of PostgreSQL may last while a new token is held here: the old ones may be worth nothing."""

log = logging.getLogger(__name__)


class Renewals:
    """See above."""

    def __init__(self, vault: Vault, database: Database, outgoing: Outgoing, types: KnownTypes) -> None:
        self._vault = vault
        self._database = database
        self._outgoing = outgoing
        self._types = types
        self._under_way: dict[tuple[str, str, str], asyncio.Task[None]] = {}

    async def renew(self, project_id: str, credential_id: str, kind: str, refused: str) -> None:
        """See that the credential holds another access token than `refused`.

        Raises OAuthError when there is none to be had, and CredentialUnreadable.
        """
        key = (credential_id, kind, refused)
        task = self._under_way.get(key)
        if task is None:
            work = self._renew(project_id, credential_id, kind, refused)
            task = self._under_way[key] = asyncio.create_task(work, name=f"renewal of {credential_id}")
            task.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.shield(task)

    async def wait_until_done(self) -> None:
        """Wait for what is under way, as long as a provider may take."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=SECONDS)
        for task in list(self._under_way.values()):
            task.cancel()

    def _forget(self, key: tuple[str, str, str], task: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever waited has heard of it, if anybody still did

    async def _renew(self, project_id: str, credential_id: str, kind: str, refused: str) -> None:
        place = (project_id, credential_id, kind)

        def is_wanted(data: dict[str, Any]) -> bool:
            return tokens.is_current(tokens.tokens_in(data), refused)

        renewal = await hold(self._database, self._vault, place, uuid4(), is_wanted)
        if renewal is None:
            return
        try:
            held = tokens.tokens_in(renewal.held)
            if not tokens.is_current(held, refused):
                return
            data = await asyncio.to_thread(self._types.complete, kind, renewal.held)
            if self._types.protocol(kind) == SERVICE_ACCOUNT:
                call = await service_accounts.token_call(data, renewal.held_at)
            else:
                call = oauth2.renewal_call(OAuthClient.of(data), held)
            answered = await oauth2.fetch(self._outgoing.within(project_id), call, data)
            await self._keep(renewal, answered)
            log.info("token renewed", extra={"credential": credential_id})
        except ProviderRefused as error:
            log.warning("token not renewed", extra={"credential": credential_id, "reason": str(error)})
            if (why := renewals.why_for_good(renewal, error)) is not None:
                with contextlib.suppress(*UNREACHABLE):  # the next renewal is refused as well
                    identity = self._types.identity(kind)
                    await self._database.transact(renewals.keep_refusal, self._vault, renewal, identity, why)
                raise ConsentNeeded(f"needs to be connected again: {why}") from error
            raise
        finally:
            with contextlib.suppress(*UNREACHABLE):  # it ends by itself
                await self._database.transact(renewals.give_up, renewal)

    async def _keep(self, renewal: Renewal, answered: dict[str, object]) -> None:
        """Store the tokens, once PostgreSQL can be reached: nobody else can renew them until then."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        until = loop.time() + STORE_SECONDS
        identity = self._types.identity(renewal.kind)
        while True:
            try:
                return await self._database.transact(renewals.keep, self._vault, renewal, identity, answered)
            except UNREACHABLE as error:
                if loop.time() >= until:
                    raise OAuthError("PostgreSQL cannot be reached to store the new token") from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)


async def hold(
    database: Database,
    vault: Vault,
    place: tuple[str, str, str],
    holder: UUID,
    is_wanted: Callable[[dict[str, Any]], bool],
    seconds: float = 2 * LEASE_SECONDS,
) -> Renewal | None:
    """Let `holder` alone renew the credential of that project, id and type, once others are through.

    That is waited for so many seconds. None: what it holds by then needs no renewal any more, or there is no such
    credential. Raises OAuthError, CredentialUnreadable.
    """
    loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
    until = loop.time() + seconds
    try:
        while loop.time() < until:
            held = await database.transact(renewals.hold, vault, *place, holder)
            if held is not None:
                return held
            data = await database.transact(vault.read_for_use, *place)
            if data is None or not is_wanted(data):
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)
    except (CannotDecrypt, OSError) as error:
        raise CredentialUnreadable(str(error)) from error
    raise ProviderUnreachable(f"Another worker has tried to renew its token for {seconds:g} seconds, without success")
