"""What is encrypted comes back with the same key and context only."""

import pytest

from app.credentials.encryption import Cipher
from app.credentials.errors import CannotDecrypt

SECRET = {"user": "ann", "password": "s3cret"}


def test_it_comes_back() -> None:
    data = Cipher("key").encrypt(SECRET, "a")
    assert b"s3cret" not in data
    assert Cipher("key").decrypt(data, "a") == SECRET


def test_equal_secrets_do_not_look_equal() -> None:
    cipher = Cipher("key")
    assert cipher.encrypt(SECRET, "a") != cipher.encrypt(SECRET, "a")


@pytest.mark.parametrize(("key", "context"), [("other", "a"), ("key", "b")])
def test_another_key_or_context_opens_nothing(key: str, context: str) -> None:
    with pytest.raises(CannotDecrypt, match="EXECUTIONS_ENCRYPTION_KEY"):
        Cipher(key).decrypt(Cipher("key").encrypt(SECRET, "a"), context)


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    data = bytearray(Cipher("key").encrypt(SECRET, "a"))
    data[place] ^= 1
    with pytest.raises(CannotDecrypt):
        Cipher("key").decrypt(bytes(data), "a")
