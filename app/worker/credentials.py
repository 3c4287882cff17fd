"""Hands the engine what a credential holds: read for the execution that asks, decrypted, and not kept."""

import asyncio
from concurrent.futures import Executor

from psycopg_pool import ConnectionPool

from app.credentials.errors import CannotDecrypt
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable, ReadCredential
from app.repository.connection import Connection, transaction


class Credentials:
    """The credentials that executions on this worker may ask for."""

    def __init__(self, vault: Vault, pool: ConnectionPool[Connection], threads: Executor) -> None:
        self._vault = vault
        self._pool = pool
        self._threads = threads

    def within_reach_of(self, execution_id: int) -> ReadCredential:
        """A function that reads credentials of the execution's project, by id and type.

        It raises CredentialUnreadable when the key is not the one that a credential was encrypted with.
        """

        async def read(credential_id: str, kind: str) -> dict[str, object] | None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._read, execution_id, credential_id, kind)

        return read

    def _read(self, execution_id: int, credential_id: str, kind: str) -> dict[str, object] | None:
        try:
            with transaction(self._pool) as connection:
                return self._vault.read_for_execution(connection, execution_id, credential_id, kind)
        except (CannotDecrypt, OSError) as error:
            raise CredentialUnreadable(str(error)) from error
