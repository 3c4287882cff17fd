"""Texts encrypted for whoever has a private key: RSA with OAEP and SHA-256, in base64, as n8n's Crypto node does it."""

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.pem import unfold

FAILED = "Decryption failed: wrong passphrase, key, cipher, or corrupted payload"
OVERHEAD = 2 * hashes.SHA256.digest_size + 2


def encrypt(text: str, public_key: str) -> str:
    """Raises ValueError for what is no RSA key, and for a text that is longer than the key allows."""
    key = _public(unfold(public_key))
    data = text.encode("utf-8", "replace")
    if len(data) > key.key_size // 8 - OVERHEAD:
        raise ValueError("Plaintext is too large for the RSA key. Use symmetric mode for larger data.")
    return base64.b64encode(key.encrypt(data, _padding())).decode()


def decrypt(text: str, private_key: str) -> str:
    """Raises ValueError, which does not tell what was wrong."""
    try:
        key = serialization.load_pem_private_key(unfold(private_key).encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(FAILED)
        return key.decrypt(base64.b64decode(text), _padding()).decode("utf-8", "replace")
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(FAILED) from None


def _public(pem: str) -> rsa.RSAPublicKey:
    try:
        if "PRIVATE KEY-----" in pem:
            key = serialization.load_pem_private_key(pem.encode(), None).public_key()
        else:
            key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("error:1E08010C:DECODER routines::unsupported") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("error:03000096:digital envelope routines::operation not supported for this keytype")
    return key


def _padding() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
