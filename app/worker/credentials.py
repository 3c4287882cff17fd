"""Hands the engine what a credential holds: read for the execution that asks, decrypted, and not kept."""

from app.credentials.errors import CannotDecrypt
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable, ReadCredential
from app.worker.database import Database


class Credentials:
    """The credentials that executions on this worker may ask for."""

    def __init__(self, vault: Vault, database: Database) -> None:
        self._vault = vault
        self._database = database

    def within_reach_of(self, execution_id: int) -> ReadCredential:
        """A function that reads credentials of the execution's project, by id and type.

        It raises CredentialUnreadable when the key is not the one that a credential was encrypted with.
        """

        async def read(credential_id: str, kind: str) -> dict[str, object] | None:
            try:
                return await self._database.transact(self._vault.read_for_execution, execution_id, credential_id, kind)
            except (CannotDecrypt, OSError) as error:
                raise CredentialUnreadable(str(error)) from error

        return read

    def within_reach_of_project(self, project_id: str) -> ReadCredential:
        """The same for a trigger of this project, which no execution has started yet."""

        async def read(credential_id: str, kind: str) -> dict[str, object] | None:
            try:
                return await self._database.transact(self._vault.read_in_project, project_id, credential_id, kind)
            except (CannotDecrypt, OSError) as error:
                raise CredentialUnreadable(str(error)) from error

        return read
