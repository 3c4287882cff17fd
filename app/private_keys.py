"""Keys in PEM as they are pasted, loaded without keeping anybody else waiting.

OpenSSL tests whether the factors of an RSA key are prime: 0.04 seconds at 2,048 bits, 0.3 at 4,096 and six at 8,192, in
which nothing else in the process goes on, whatever thread it is in. Greater keys are therefore tested by a process of
their own, once. PyJWT tests every text that it is given as a key: give it what is loaded here.
"""

import asyncio
import hashlib
import os
import sys
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from app.bounded_dict import BoundedDict
from app.pem import unfold

MAX_LENGTH = 20_000
"""Characters; a key of 16,384 bits takes 12,700."""
TESTED_HERE = 2_000
"""Characters of a key of 2,048 bits, and a little more."""
REMEMBERED = 1_000
"""So many keys are known to be valid, by their hash."""
TEST = """
import sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
load_pem_private_key(sys.stdin.buffer.read(), None)
"""

_valid: BoundedDict[bytes, None] = BoundedDict(REMEMBERED)


class UnusableKey(ValueError):
    """The text is no key, or none that can be loaded."""


class PrivateKeys:
    """Private keys, each loaded once: those of one run of a node, say."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    async def load(self, text: str) -> Any:
        """The key in a PEM text. Raises UnusableKey."""
        if text not in self._loaded:
            self._loaded[text] = await _load(unfold(text).encode())
        return self._loaded[text]


def public_key(text: str) -> Any:
    """The public key in a PEM text, or that of the private key there, untested. Raises UnusableKey."""
    pem = unfold(text).encode()
    if len(pem) > MAX_LENGTH:
        raise UnusableKey(f"a key of more than {MAX_LENGTH:,} characters")
    try:
        return serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        pass
    try:
        private: Any = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(str(error)) from error
    return private.public_key()


async def _load(pem: bytes) -> Any:
    if len(pem) > MAX_LENGTH:
        raise UnusableKey(f"a key of more than {MAX_LENGTH:,} characters")
    tested = len(pem) > TESTED_HERE
    if tested:
        await _test(pem)
    try:
        return serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=tested)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(str(error)) from error


def environment() -> dict[str, str]:
    """What that process sees of the environment: where its libraries are, and none of this program's secrets."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}


async def _test(pem: bytes) -> None:
    """Raises UnusableKey for a key that a process of its own refuses."""
    name = hashlib.sha256(pem).digest()
    if name in _valid:
        return
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", TEST, stdin=pipe, stdout=quiet, stderr=quiet, env=environment()
    )
    try:
        await process.communicate(pem)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise UnusableKey("the key is not valid")
    _valid[name] = None
