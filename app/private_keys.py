"""Loads private keys in PEM, as users paste them, without blocking the rest of the process.

OpenSSL tests whether the factors of an RSA key are prime: 0.04 seconds at 2,048 bits, 0.3 at 4,096 and six at 8,192, in
which nothing else in the process goes on, whatever thread it is in. Greater keys are therefore tested by a process of
their own, once. PyJWT tests every text that it is given as a key: give it what is loaded here.
"""

import asyncio
import hashlib
import os
import sys
from collections import Counter
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.bounded_dict import BoundedDict
from app.pem import unfold

MAX_LENGTH = 20_000
"""Characters; a key of 16,384 bits takes 12,700."""
TESTED_HERE = 1_024
"""Bits of the greater factor of a key that is tested at once. The length of a text says little: with small other parts
a key of 1,700 characters may have a factor of 5,000 bits."""
REMEMBERED = 1_000
"""So many keys are known to be valid, by their hash."""
USUAL = 2_048
"""The same of keys that people have."""
MOST_AT_ONCE = 4
"""Tests of usual keys, and as many of greater ones, each of which may compute for minutes."""
LOOK_SECONDS = 0.05
MEMORY_BYTES = 2**28
TEST = f"""
import ctypes, os, resource, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
if hasattr(os, "nice"):
    os.nice(10)
if sys.platform == "linux":
    prctl = ctypes.CDLL(None).prctl
    if os.geteuid() == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        except OSError:
            pass  # a container may keep even root from changing who it is
    prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL: only now, a change of the user would take it off
    prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
for limit, most in ("DATA", {MEMORY_BYTES}), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0), ("NOFILE", 0):
    number = getattr(resource, "RLIMIT_" + limit, None)
    if number is not None:
        resource.setrlimit(number, (most, most))
load_pem_private_key(sys.stdin.buffer.read(), None)
"""
"""It restricts itself before it reads the key: it opens no file and no connection, starts no process, is not root."""

_valid: BoundedDict[bytes, None] = BoundedDict(REMEMBERED)
_under_way: Counter[bool] = Counter()
"""Tests of usual keys (True) and of greater ones."""


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
    try:
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            return key
        numbers = key.private_numbers()
        bits = max(numbers.p.bit_length(), numbers.q.bit_length())
        if bits <= TESTED_HERE:
            return serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(str(error)) from error
    await _test(pem, usual=bits <= USUAL)
    return key


def environment() -> dict[str, str]:
    """What that process sees of the environment: where its libraries are, and none of this program's secrets."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}


async def _test(pem: bytes, *, usual: bool) -> None:
    """Raises UnusableKey for a key that a process of its own refuses."""
    name = hashlib.sha256(pem).digest()
    if name in _valid:
        return
    while _under_way[usual] >= MOST_AT_ONCE:
        await asyncio.sleep(LOOK_SECONDS)
    _under_way[usual] += 1
    try:
        valid = await _is_valid(pem)
    finally:
        _under_way[usual] -= 1
    if not valid:
        raise UnusableKey("the key is not valid")
    _valid[name] = None


async def _is_valid(pem: bytes) -> bool:
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", TEST, stdin=pipe, stdout=quiet, stderr=quiet, env=environment()
    )
    try:
        await process.communicate(pem)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode == 0
