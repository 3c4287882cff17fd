"""Where the keys come from, and that each is made, added and found once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.credentials.keys import KEY_FILE, Key, Keyring
from app.environment import SettingsError
from app.settings import Settings
from app.signatures import Signer


def keyring(home: Path, **environ: str) -> Keyring:
    return Keyring(
        Settings.from_environment({"DATABASE_URL": "postgresql:///x", "EXECUTIONS_HOME": str(home), **environ})
    )


def test_a_key_is_made_for_its_owner_only(tmp_path) -> None:
    home = tmp_path / "home"
    assert not keyring(home).is_there()
    key = keyring(home).current()
    assert keyring(home).current() == key
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path) -> None:
    program = (
        "from app.credentials.keys import Keyring; from app.settings import Settings; import os;"
        "print(Keyring(Settings.from_environment(os.environ)).current().text)"
    )
    environ = {**os.environ, "DATABASE_URL": "postgresql:///x", "EXECUTIONS_HOME": str(tmp_path)}
    command = [sys.executable, "-c", program]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) for _ in range(6)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_the_environment_goes_before_the_file(tmp_path) -> None:
    ring = keyring(tmp_path, EXECUTIONS_ENCRYPTION_KEY="new", EXECUTIONS_ENCRYPTION_KEY_OLD="old, older,new")
    assert [key.text for key in ring.accepted_keys()] == ["new", "old, older,new", "old", "older"]
    assert not (tmp_path / KEY_FILE).exists()
    assert not ring.in_file


def test_an_old_key_alone_is_refused(tmp_path) -> None:
    with pytest.raises(SettingsError, match="EXECUTIONS_ENCRYPTION_KEY_OLD"):
        keyring(tmp_path, EXECUTIONS_ENCRYPTION_KEY_OLD="old")


def test_a_running_process_takes_up_a_key_that_was_added(tmp_path) -> None:
    running = keyring(tmp_path)
    first = running.current()
    added = keyring(tmp_path).add()
    assert running.accepted_keys() == (added, first)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_an_empty_file_is_no_key(tmp_path) -> None:
    (tmp_path / KEY_FILE).write_text("\n")
    with pytest.raises(OSError, match="holds no key"):
        keyring(tmp_path).current()


def test_an_id_tells_keys_apart_and_nothing_of_them() -> None:
    assert Key.of("a").id == Key.of("a").id != Key.of("b").id
    assert "secret" not in Key.of("secret").id


def test_what_was_signed_before_is_signed_still(tmp_path) -> None:
    signer = Signer(keyring(tmp_path))
    before = signer.sign("resume 1")
    keyring(tmp_path).add()
    assert signer.sign("resume 1") != before
    assert signer.is_signed("resume 1", before)
    assert signer.is_signed("resume 1", signer.sign("resume 1"))
    assert not signer.is_signed("resume 2", before)
    assert not signer.is_signed("resume 1", "")
