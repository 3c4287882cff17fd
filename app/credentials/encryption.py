"""Encryption of credentials: AES-256-GCM with a key from the environment or from a file in the home folder.

Knows no database and no HTTP. What is encrypted is bound to a context, so that it cannot be moved to another row.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import Settings

KEY_FILE = "encryption-key"
FORMAT = b"\x01"
NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The key is not the one that this was encrypted with, or what was stored has been changed."""

    def __init__(self) -> None:
        super().__init__(
            "The credential cannot be decrypted: EXECUTIONS_ENCRYPTION_KEY (or the file encryption-key in "
            "EXECUTIONS_HOME) is not the key that it was encrypted with"
        )


class Cipher:
    """Encrypts and decrypts JSON objects with one key."""

    def __init__(self, key: str) -> None:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"executions credentials").derive(key.encode())
        self._aead = AESGCM(derived)

    def encrypt(self, value: dict[str, Any], context: str) -> bytes:
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


def credential_context(credential_id: str, kind: str) -> str:
    """What the data of a credential is bound to."""
    return f"credential:{kind}:{credential_id}"


def cipher_for(settings: Settings) -> Cipher:
    """The cipher of this installation; without a key in the environment, one is made at the first call and kept.

    Raises OSError when the key's file can neither be read nor made.
    """
    return Cipher(settings.encryption_key or kept_key(settings.home))


def kept_key(home: Path) -> str:
    """The key in the home folder (mode 0600), made when there is none; processes that start at once agree on one."""
    path = home / KEY_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=home, prefix=f".{KEY_FILE}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    return path.read_text().strip()
