"""What is encrypted comes back with the same key and context only, and the key is made once."""

import stat
import subprocess
import sys

import pytest

from app.credentials.encryption import KEY_FILE, CannotDecrypt, Cipher, cipher_for, kept_key
from app.settings import Settings

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


def test_the_key_is_kept_for_its_owner_only(tmp_path) -> None:
    home = tmp_path / "home"
    key = kept_key(home)
    assert kept_key(home) == key
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path) -> None:
    imports = "from pathlib import Path; from app.credentials.encryption import kept_key"
    program = f"{imports}; print(kept_key(Path({str(tmp_path)!r})))"
    started = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(6)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_the_environment_goes_before_the_file(tmp_path) -> None:
    environ = {"DATABASE_URL": "x", "EXECUTIONS_HOME": str(tmp_path), "EXECUTIONS_ENCRYPTION_KEY": "from outside"}
    data = cipher_for(Settings.from_environment(environ)).encrypt(SECRET, "a")
    assert Cipher("from outside").decrypt(data, "a") == SECRET
    assert not (tmp_path / KEY_FILE).exists()
