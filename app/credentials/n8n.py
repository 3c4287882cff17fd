"""How n8n encrypts: credentials with the key of the instance, newer ones with a data key that this one protects.

Knows the formats alone. AES-256-CBC with a key and a vector from salted MD5 (OpenSSL's way), in base64 that begins
with `Salted__`; or AES-256-GCM with both from HKDF-SHA256, behind a first byte 1. A text `id:...` names its data key.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SALTED = b"Salted__"
GCM_VERSION = 1
INFO = b"n8n-encryption-v1"
GCM, CBC = "aes-256-gcm", "aes-256-cbc"


class WrongKey(Exception):
    """The key does not open the text, or none is known for it; the message says which."""


class InstanceKey:
    """The key of an n8n, and the data keys that it protects.

    `deployment_keys` are rows of n8n's table of that name, of which those of type `data_encryption` count.
    """

    def __init__(self, text: str, deployment_keys: Iterable[Mapping[str, Any]] = ()) -> None:
        self._text = text
        self._rows = {str(row["id"]): row for row in deployment_keys if row.get("type") == "data_encryption"}
        self._keys: dict[str, tuple[str, str]] = {}

    def decrypt(self, text: str) -> str:
        """What was encrypted. Raises WrongKey."""
        name, colon, rest = text.partition(":")
        if not colon:
            return _decode(decrypt_cbc(text, self._text))
        key, algorithm = self._data_key(name)
        return _decode(decrypt_cbc(rest, key) if algorithm == CBC else decrypt_gcm(rest, key_bytes(key)))

    def _data_key(self, name: str) -> tuple[str, str]:
        if name not in self._keys:
            row = self._rows.get(name)
            if row is None:
                raise WrongKey(f"the data key {name} is not among n8n's deployment keys")
            algorithm = row.get("algorithm") or GCM
            self._keys[name] = (self.unwrap(row["value"]), algorithm)
        return self._keys[name]

    def unwrap(self, text: str) -> str:
        """A secret of n8n's table of deployment keys. Raises WrongKey."""
        protecting = hashlib.sha256(self._text.encode()).hexdigest()
        return _decode(decrypt_gcm(text, key_bytes(protecting)))


def key_bytes(text: str) -> bytes:
    """The bytes of a key that is written in hexadecimal; of another one, its text."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def decrypt_cbc(text: str, key: str) -> bytes:
    """What OpenSSL's salted format holds. Raises WrongKey."""
    data = _base64(text)
    if not data.startswith(SALTED) or len(data) < 32 or len(data) % 16:
        raise WrongKey("this is not a text that n8n encrypted")
    made = evp_bytes_to_key(key.encode(), data[8:16])
    decryptor = Cipher(algorithms.AES256(made[:32]), modes.CBC(made[32:])).decryptor()
    padded = decryptor.update(data[16:]) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise WrongKey("the key does not open it") from None


def evp_bytes_to_key(key: bytes, salt: bytes) -> bytes:
    """32 bytes of key and 16 of vector as OpenSSL makes them with MD5."""
    made = block = b""
    while len(made) < 48:
        block = hashlib.md5(block + key + salt, usedforsecurity=False).digest()
        made += block
    return made[:48]


def decrypt_gcm(text: str, key: bytes) -> bytes:
    """What n8n's newer format holds. Raises WrongKey."""
    data = _base64(text)
    if len(data) < 49 or data[0] != GCM_VERSION:
        raise WrongKey("this is not a text that n8n encrypted")
    salt, tag, content = data[1:33], data[33:49], data[49:]
    made = HKDF(algorithm=hashes.SHA256(), length=44, salt=salt, info=INFO).derive(key)
    try:
        return AESGCM(made[:32]).decrypt(made[32:], content + tag, None)
    except InvalidTag:
        raise WrongKey("the key does not open it") from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongKey("this is not a text that n8n encrypted") from None


def _decode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise WrongKey("the key does not open it") from None
