"""A new key for all credentials: in batches, again and again, while others save and read."""

import threading
from pathlib import Path
from typing import Any

import pytest

from app.credentials import rotation
from app.credentials.errors import CannotDecrypt
from app.credentials.key_check import unreadable
from app.credentials.rotation import rotate
from app.credentials.vault import Vault
from app.repository import credentials
from app.repository.connection import Connection
from app.repository.credentials import Secret
from app.settings import Settings

KIND = "httpHeaderAuth"


def settings(home: Path, **environ: str) -> Settings:
    return Settings.from_environment({"DATABASE_URL": "postgresql:///x", "EXECUTIONS_HOME": str(home), **environ})


@pytest.fixture
def connection(connect) -> Connection:
    return connect(autocommit=True)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)


def data(value: str) -> dict[str, Any]:
    return {"name": "X-Key", "value": value}


def store(connection: Connection, vault: Vault, *ids: str) -> None:
    for credential_id in ids:
        vault.create(connection, credential_id, name="n", type=KIND, project_id="default", data=data(credential_id))


def opened(connection: Connection, vault: Vault) -> dict[str, str]:
    """What each credential holds."""
    held = {}
    for credential in credentials.list_credentials(connection, limit=1000):
        found = vault.read_in_project(connection, "default", credential.id, KIND)
        assert found is not None
        held[credential.id] = found["value"]
    return held


def key_ids(connection: Connection) -> set[str | None]:
    return {row[0] for row in connection.execute("SELECT key_id FROM credentials")}


def test_a_key_in_the_file_is_made_anew_and_running_processes_go_on(connection, tmp_path) -> None:
    running = Vault(settings(tmp_path))
    ids = [f"c{number}" for number in range(8)]
    store(connection, running, *ids)
    before = connection.execute("SELECT id, updated_at FROM credentials ORDER BY id").fetchall()
    done = rotate(connection, settings(tmp_path))
    assert (done.moved, done.unreadable, done.made_key) == (8, (), True)
    assert key_ids(connection) == {done.key_id}
    assert opened(connection, running) == {each: each for each in ids}
    assert running.keyring.current().id == done.key_id
    assert connection.execute("SELECT id, updated_at FROM credentials ORDER BY id").fetchall() == before


def test_rows_of_the_first_release_name_no_key_and_are_moved(connection, tmp_path) -> None:
    vault = Vault(settings(tmp_path))
    store(connection, vault, "c1", "c2")
    connection.execute("UPDATE credentials SET key_id = NULL")
    assert opened(connection, vault) == {"c1": "c1", "c2": "c2"}
    done = rotate(connection, settings(tmp_path))
    assert (done.moved, done.made_key) == (2, False), "they are to be named first"
    assert rotate(connection, settings(tmp_path)).made_key
    assert None not in key_ids(connection)


def test_what_was_fetched_for_a_credential_stays_with_it(connection, tmp_path) -> None:
    vault = Vault(settings(tmp_path))
    store(connection, vault, "c1")
    credentials.reencrypt(connection, "c1", vault.encrypt("c1", KIND, data("c1"), {"token": "fetched"}))
    assert rotate(connection, settings(tmp_path)).made_key
    assert vault.read_for_use(connection, "default", "c1", KIND) == {**data("c1"), "token": "fetched"}
    assert opened(connection, vault) == {"c1": "c1"}


def test_a_rotation_that_was_cut_short_goes_on(connection, tmp_path, monkeypatch) -> None:
    vault = Vault(settings(tmp_path))
    store(connection, vault, *(f"c{number}" for number in range(8)))
    real, calls = credentials.reencrypt, []

    def dies(connection: Connection, credential_id: str, secret: Secret) -> None:
        calls.append(credential_id)
        if len(calls) == 5:
            raise RuntimeError("killed")
        real(connection, credential_id, secret)

    monkeypatch.setattr(credentials, "reencrypt", dies)
    with pytest.raises(RuntimeError):
        rotate(connection, settings(tmp_path))
    assert len(key_ids(connection)) == 2
    assert len(opened(connection, vault)) == 8
    keys = vault.keyring.accepted_keys()
    done = rotate(connection, settings(tmp_path))
    assert (done.moved, done.made_key, done.key_id) == (5, False, keys[0].id)
    assert vault.keyring.accepted_keys() == keys
    assert key_ids(connection) == {keys[0].id}


def test_keys_of_the_environment(connection, tmp_path) -> None:
    old = settings(tmp_path, EXECUTIONS_ENCRYPTION_KEY="old")
    both = settings(tmp_path, EXECUTIONS_ENCRYPTION_KEY="new", EXECUTIONS_ENCRYPTION_KEY_OLD="old")
    new = settings(tmp_path, EXECUTIONS_ENCRYPTION_KEY="new")
    store(connection, Vault(old), "c1", "c2")
    assert rotate(connection, old).moved == 0
    assert opened(connection, Vault(both)) == {"c1": "c1", "c2": "c2"}
    assert unreadable(connection, Vault(new)) != []
    assert rotate(connection, both).moved == 2
    assert opened(connection, Vault(new)) == {"c1": "c1", "c2": "c2"}
    assert unreadable(connection, Vault(new)) == []
    with pytest.raises(CannotDecrypt):
        opened(connection, Vault(old))


def test_what_no_key_opens_is_named_and_left_as_it_was(connection, tmp_path) -> None:
    store(connection, Vault(settings(tmp_path, EXECUTIONS_ENCRYPTION_KEY="lost")), "c1", "c5")
    store(connection, Vault(settings(tmp_path)), "c0", "c2", "c3", "c4")
    lost = connection.execute("SELECT data FROM credentials WHERE id = 'c1'").fetchone()
    done = rotate(connection, settings(tmp_path))
    assert (done.moved, done.unreadable, done.made_key) == (4, ("c1", "c5"), True)
    assert connection.execute("SELECT data FROM credentials WHERE id = 'c1'").fetchone() == lost


def test_what_is_saved_meanwhile_stays_and_is_moved(connection, connect, tmp_path) -> None:
    running = Vault(settings(tmp_path))
    ids = [f"c{number:02}" for number in range(40)]
    store(connection, running, *ids)
    own, stop = connect(autocommit=True), threading.Event()
    saved: dict[str, str] = {}

    def save() -> None:
        while not stop.is_set():
            for each in reversed(ids):
                value = f"{each}-{len(saved)}"
                credential = credentials.get_credential(own, each)
                running.update(own, credential, name=None, data=data(value))
                saved[each] = value

    saving = threading.Thread(target=save)
    saving.start()
    for _ in range(5):
        rotate(connection, settings(tmp_path))
    stop.set()
    saving.join()
    rotate(connection, settings(tmp_path))
    assert opened(connection, running) == {each: saved.get(each, each) for each in ids}
    assert key_ids(connection) == {running.keyring.current().id}
