"""The vault: the only place where secrets are encrypted and decrypted.

Credentials go through it into PostgreSQL and come out of it for a node or for the check of a webhook's caller. What
proved a caller is sealed by it for the one run that it came with.
"""

from collections.abc import Iterable
from typing import Any

from app.credentials.encryption import Cipher
from app.credentials.errors import CannotDecrypt
from app.credentials.fetched import entered_in, usable_in, with_fetched
from app.credentials.keys import Key, Keyring
from app.credentials.proofs import Proof
from app.repository import credentials, oauth
from app.repository.connection import Connection
from app.repository.credentials import Credential, Secret
from app.settings import Settings


class Vault:
    """Encrypts with the key of this installation, and decrypts with that one and earlier ones."""

    def __init__(self, settings: Settings) -> None:
        self.keyring = Keyring(settings)
        self._ciphers: dict[str, Cipher] = {}

    def create(
        self, connection: Connection, credential_id: str, *, name: str, type: str, project_id: str, data: dict[str, Any]
    ) -> Credential:
        """Store a credential. Raises ProjectNotFound (when translated)."""
        secret = self.encrypt(credential_id, type, data)
        return credentials.create_credential(
            connection, credential_id, name=name, type=type, project_id=project_id, secret=secret
        )

    def update(
        self,
        connection: Connection,
        credential: Credential,
        *,
        name: str | None,
        data: dict[str, Any] | None,
        type: str | None = None,
    ) -> Credential:
        """Give a credential another name or other data, with which another type may come; None: as it was.

        Raises CredentialNotFound.
        """
        if data is None:
            return credentials.update_credential(connection, credential.id, name=name)
        kind = type or credential.type
        secret = self.encrypt(credential.id, kind, data)
        return credentials.update_credential(connection, credential.id, name=name, type=kind, secret=secret)

    def read_in_project(
        self, connection: Connection, project_id: str, credential_id: str, kind: str
    ) -> dict[str, Any] | None:
        """What a credential of this project and type holds; None: there is none. Raises CannotDecrypt, OSError."""
        secret = credentials.secret_in_project(connection, project_id, credential_id, kind)
        return None if secret is None else self.decrypt(secret, credential_id, kind)

    def read_for_use(
        self, connection: Connection, project_id: str, credential_id: str, kind: str
    ) -> dict[str, Any] | None:
        """The same, with what was fetched for its use."""
        secret = credentials.secret_in_project(connection, project_id, credential_id, kind)
        return None if secret is None else usable_in(self._open(secret, credential_id, kind))

    def lock_in_project(
        self, connection: Connection, project_id: str, credential_id: str, kind: str
    ) -> dict[str, Any] | None:
        """The same, which nobody changes until the transaction ends."""
        secret = oauth.lock_secret(connection, credential_id, kind, project_id=project_id)
        return None if secret is None else self.decrypt(secret, credential_id, kind)

    def encrypt(
        self, credential_id: str, kind: str, data: dict[str, Any], fetched: dict[str, Any] | None = None
    ) -> Secret:
        """The data as it is stored, bound to the credential's id and type; `fetched` is what was fetched for its use.

        Raises OSError without a key.
        """
        key, stored = self.keyring.current(), data if fetched is None else with_fetched(data, fetched)
        return Secret(self._cipher(key).encrypt(stored, credential_context(credential_id, kind)), key.id)

    def reencrypt(self, secret: Secret, credential_id: str, kind: str) -> Secret:
        """The same data under the current key, with what was fetched for its use. Raises CannotDecrypt, OSError."""
        stored = self._open(secret, credential_id, kind)
        return self.encrypt(credential_id, kind, stored)

    def decrypt(self, secret: Secret, credential_id: str, kind: str) -> dict[str, Any]:
        """The data that was encrypted, without what was fetched for its use. Raises CannotDecrypt, OSError."""
        return entered_in(self._open(secret, credential_id, kind))

    def _open(self, secret: Secret, credential_id: str, kind: str) -> dict[str, Any]:
        if not self.keyring.is_there():
            raise CannotDecrypt
        keys = self.keyring.accepted_keys()
        # Rows of the first release do not name their key.
        fitting = [key for key in keys if key.id == secret.key_id] or (list(keys) if secret.key_id is None else [])
        return self._decrypt(fitting, secret.data, credential_context(credential_id, kind))

    def seal(self, proof: Proof) -> bytes | None:
        """What proved a caller, for the run of its call only; None for nothing. Raises OSError without a key."""
        return self._cipher(self.keyring.current()).encrypt(proof.to_json(), SEALED) if proof else None

    def unseal(self, data: bytes) -> Proof:
        """What was sealed. Raises CannotDecrypt, OSError."""
        return Proof.from_json(self._decrypt(self.keyring.accepted_keys(), data, SEALED))

    def seal_values(self, values: dict[str, Any], context: str) -> bytes:
        """Values that are kept for a while, bound to a context. Raises OSError without a key."""
        return self._cipher(self.keyring.current()).encrypt(values, f"{SEALED}:{context}")

    def unseal_values(self, data: bytes, context: str) -> dict[str, Any]:
        """What `seal_values` has sealed. Raises CannotDecrypt, OSError."""
        return self._decrypt(self.keyring.accepted_keys(), data, f"{SEALED}:{context}")

    def _decrypt(self, keys: Iterable[Key], data: bytes, context: str) -> dict[str, Any]:
        for key in keys:
            try:
                return self._cipher(key).decrypt(data, context)
            except CannotDecrypt:
                continue
        raise CannotDecrypt

    def _cipher(self, key: Key) -> Cipher:
        if key.id not in self._ciphers:
            self._ciphers[key.id] = Cipher(key.text)
        return self._ciphers[key.id]


SEALED = "sealed"


def credential_context(credential_id: str, kind: str) -> str:
    """What the data of a credential is bound to."""
    return f"credential:{kind}:{credential_id}"
