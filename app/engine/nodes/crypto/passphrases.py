"""Text encrypted with a passphrase, in the form that n8n's Crypto node writes and reads.

Base64 of: version (1), salt (16 bytes), nonce (12), tag (16), ciphertext; the key comes from scrypt.
"""

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CIPHERS: dict[str, tuple[type[AESGCM] | type[ChaCha20Poly1305], int]] = {
    "aes-256-gcm": (AESGCM, 32),
    "aes-192-gcm": (AESGCM, 24),
    "aes-128-gcm": (AESGCM, 16),
    "chacha20-poly1305": (ChaCha20Poly1305, 32),
}
"""The ciphers, each with the bytes of its key."""
VERSION = b"\x01"
SALT, NONCE, TAG = 16, 12, 16
COST = {"n": 2**16, "r": 8, "p": 1, "maxmem": 2**27}
MALFORMED = "Ciphertext is malformed or truncated"


def encrypt(text: str, passphrase: str, cipher: str) -> str:
    """Raises ValueError for an unknown cipher."""
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    sealed = _aead(passphrase, salt, cipher).encrypt(nonce, text.encode(), None)
    return base64.b64encode(VERSION + salt + nonce + sealed[-TAG:] + sealed[:-TAG]).decode()


def decrypt(text: str, passphrase: str, cipher: str) -> str:
    """Raises ValueError for what was not encrypted with this passphrase and cipher."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(MALFORMED) from None
    if data[:1] != VERSION or len(data) < 1 + SALT + NONCE + TAG:
        raise ValueError(MALFORMED)
    salt, nonce = data[1 : 1 + SALT], data[1 + SALT : 1 + SALT + NONCE]
    rest = data[1 + SALT + NONCE :]
    try:
        return _aead(passphrase, salt, cipher).decrypt(nonce, rest[TAG:] + rest[:TAG], None).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise ValueError("Decryption failed: wrong passphrase, key, cipher, or corrupted payload") from None


def _aead(passphrase: str, salt: bytes, cipher: str) -> AESGCM | ChaCha20Poly1305:
    if cipher not in CIPHERS:
        raise ValueError(f"The cipher '{cipher}' is not known")
    make, length = CIPHERS[cipher]
    return make(hashlib.scrypt(passphrase.encode(), salt=salt, dklen=length, **COST))
