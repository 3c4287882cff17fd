"""Tokens that packages' code fetches before a credential's use: by one call of all workers at a time, and stored
encrypted with the credential.

The fetch is the package's own code, which runs in its process. What is here says who may begin, and keeps what came.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from app.credentials import renewals
from app.credentials.errors import CannotDecrypt
from app.credentials.fetched import FETCH_SECONDS, is_storable
from app.credentials.oauth_errors import OAuthError
from app.credentials.renewals import LEASE_SECONDS, Renewal
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable
from app.repository import oauth
from app.repository.connection import UNREACHABLE
from app.worker.database import Database
from app.worker.renewals import hold

EXTEND_SECONDS = LEASE_SECONDS / 3
"""How often whoever fetches says that it still does."""

log = logging.getLogger(__name__)


class Fetches:
    """The fetches of this worker."""

    def __init__(self, vault: Vault, database: Database) -> None:
        self._vault = vault
        self._database = database
        self._ending: set[asyncio.Task[None]] = set()

    async def begin(
        self, project_id: str, credential_id: str, kind: str, field: str, refused: object
    ) -> "WorkerFetch | None":
        """Be the only one of all workers to fetch a token; None: the credential's `field` has another one than was
        `refused`, or there is no such credential. Raises CredentialUnreadable."""
        place, holder = (project_id, credential_id, kind), uuid4()

        def is_wanted(data: dict[str, Any]) -> bool:
            return not data.get(field) or data[field] == refused

        begun = None
        try:
            seconds = FETCH_SECONDS + LEASE_SECONDS
            renewal = await hold(self._database, self._vault, place, holder, is_wanted, seconds)
            if renewal is not None:
                data = await self._database.transact(self._vault.read_for_use, *place)
                if data is not None and is_wanted(data):
                    begun = WorkerFetch(self, renewal, asyncio.create_task(self._extend(renewal), name="slow fetch"))
            return begun
        except OAuthError as error:
            raise CredentialUnreadable(f'The credential "{credential_id}" got no token. {error}') from error
        finally:
            if begun is None:
                self.give_up(credential_id, holder)

    async def _extend(self, renewal: Renewal) -> None:
        """Keep others from beginning while this one takes long, until it has no lease any more."""
        loop = asyncio.get_running_loop()
        until = loop.time() + FETCH_SECONDS
        while loop.time() < until:
            await asyncio.sleep(EXTEND_SECONDS)
            try:
                if not await self._database.transact(renewals.extend, renewal):
                    return
            except UNREACHABLE:
                continue  # the next time comes before the lease is over
            except Exception:
                log.exception("turn to fetch a token not extended", extra={"credential": renewal.credential_id})

    async def keep(self, renewal: Renewal, fetched: dict[str, Any]) -> bool:
        """Whether it is stored; where it is not, it is only this worker's."""
        if not is_storable(fetched):
            return False
        try:
            return await self._database.transact(renewals.keep_fetched, self._vault, renewal, fetched)
        except (*UNREACHABLE, CannotDecrypt, OSError) as error:
            log.warning("token not stored", extra={"credential": renewal.credential_id, "reason": str(error)})
            return False

    def give_up(self, credential_id: str, holder: UUID) -> None:
        """Let others begin soon, if this one has begun."""
        task = asyncio.create_task(self._give_up(credential_id, holder), name=f"end of a fetch for {credential_id}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _give_up(self, credential_id: str, holder: UUID) -> None:
        with contextlib.suppress(*UNREACHABLE):  # it ends by itself
            await self._database.transact(oauth.release_renewal, credential_id, holder)

    async def wait_until_done(self) -> None:
        """Wait for those that are about to end."""
        if self._ending:
            await asyncio.wait(list(self._ending), timeout=LEASE_SECONDS)


@dataclass(slots=True)
class WorkerFetch:
    """See `TokenFetch`."""

    fetches: Fetches
    renewal: Renewal
    extending: asyncio.Task[None]
    _ended: bool = False

    async def keep(self, fetched: dict[str, Any]) -> None:
        """See `TokenFetch.keep`."""
        self._ended = self._ended or await self.fetches.keep(self.renewal, fetched)
        self.end()

    def end(self) -> None:
        """See `TokenFetch.end`."""
        self.extending.cancel()
        if not self._ended:
            self._ended = True
            self.fetches.give_up(self.renewal.credential_id, self.renewal.holder)
