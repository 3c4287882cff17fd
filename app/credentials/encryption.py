"""Encryption of secrets: AES-256-GCM with a key of this installation.

Knows no database and no HTTP. What is encrypted is bound to a context, so that it cannot be moved to another row.
Only the vault uses this.
"""

import secrets
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.credentials.errors import CannotDecrypt

FORMAT = b"\x01"
NONCE_BYTES = 12


class Cipher:
    """Encrypts and decrypts JSON objects with one key."""

    def __init__(self, key: str) -> None:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"executions credentials").derive(key.encode())
        self._aead = AESGCM(derived)

    def encrypt(self, value: dict[str, Any], context: str) -> bytes:
        """The object, encrypted with a nonce of its own; only the same `context` decrypts it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORMAT + nonce + self._aead.encrypt(nonce, orjson.dumps(value), context.encode())

    def decrypt(self, data: bytes, context: str) -> dict[str, Any]:
        """Raises CannotDecrypt for another key or context."""
        if data[:1] != FORMAT:
            raise CannotDecrypt
        nonce, rest = data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :]
        try:
            value = orjson.loads(self._aead.decrypt(nonce, rest, context.encode()))
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt from error
        return dict(value)
