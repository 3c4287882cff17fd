"""Texts encrypted for whoever has a private key: RSA with OAEP and SHA-256, in base64, as n8n's Crypto node does it."""

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.pem import unfold
from app.private_keys import PrivateKeys, UnusableKey

FAILED = "Decryption failed: wrong passphrase, key, cipher, or corrupted payload"
MAX_BITS = 16_384
OVERHEAD = 2 * hashes.SHA256.digest_size + 2


def encrypt(text: str, key: rsa.RSAPublicKey) -> str:
    """Raises ValueError for a text that is longer than the key allows."""
    data = text.encode("utf-8", "replace")
    if len(data) > key.key_size // 8 - OVERHEAD:
        raise ValueError("Plaintext is too large for the RSA key. Use symmetric mode for larger data.")
    return base64.b64encode(key.encrypt(data, _padding())).decode()


def decrypt(text: str, key: rsa.RSAPrivateKey) -> str:
    """Raises ValueError, which does not tell what was wrong."""
    try:
        return key.decrypt(base64.b64decode(text), _padding()).decode("utf-8", "replace")
    except ValueError:
        raise ValueError(FAILED) from None


async def private_key(text: str, keys: PrivateKeys) -> rsa.RSAPrivateKey:
    """The RSA key in a PEM text. Raises ValueError, which does not tell what was wrong."""
    try:
        key = await keys.load(text)
    except UnusableKey:
        raise ValueError(FAILED) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(FAILED)
    return key


async def public_key(text: str, keys: PrivateKeys) -> rsa.RSAPublicKey:
    """The RSA key in a PEM text, which may also hold the private one. Raises ValueError."""
    try:
        if "PRIVATE KEY-----" in text:
            key = (await keys.load(text)).public_key()
        else:
            key = serialization.load_pem_public_key(unfold(text).encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("error:1E08010C:DECODER routines::unsupported") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("error:03000096:digital envelope routines::operation not supported for this keytype")
    if key.key_size > MAX_BITS:
        raise ValueError(f"The RSA key has more than {MAX_BITS:,} bits")
    return key


def _padding() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
