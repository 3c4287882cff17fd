"""The commands about keys: of the API, of the console's links, of encryption."""

import os

import pytest
from click.testing import CliRunner

from app.cli import keys, link_with
from app.credentials.vault import Vault
from app.repository.api_keys import ensure_api_key, find_api_key
from app.repository.console_sessions import use_link
from app.settings import Settings
from tests.live import environment


def test_a_key_is_printed_once_and_its_hash_kept(flask, connection):
    key = flask("keys", "create", "ci", "--scope", "execution:list", "--days", "7").stdout.strip()
    stored = find_api_key(connection, key)
    assert stored.label == "ci"
    assert stored.scopes == ("execution:list",)
    assert 6.9 < (stored.expires_at - stored.created_at).total_seconds() / 86_400 < 7.1
    listed = flask("keys", "list").stdout
    assert "ci\texpires" in listed
    assert key not in listed
    assert connection.execute("SELECT count(*) FROM api_keys AS k WHERE k::text LIKE %s", [f"%{key}%"]).fetchone() == (
        0,
    )


def test_a_key_without_options_may_do_everything(flask, connection):
    stored = find_api_key(connection, flask("keys", "create", "mine").stdout.strip())
    assert (stored.scopes, stored.project_id, stored.expires_at) == (("*",), None, None)


def test_a_scope_that_no_endpoint_asks_for_is_refused_with_the_nearest(flask, connection):
    result = flask("keys", "create", "bad", "--scope", "execution:lst")
    assert (result.returncode, result.stdout) == (1, "")
    assert "execution:lst is not a scope. Did you mean execution:list?" in result.stderr
    assert connection.execute("SELECT count(*) FROM api_keys WHERE label = 'bad'").fetchone() == (0,)
    assert flask("keys", "create", "good", "--scope", "tag:*", "--scope", "execution:read").returncode == 0
    assert "execution:list\tlist executions\n" in flask("keys", "scopes").stdout


def test_a_key_for_longer_than_a_century_is_refused(flask):
    result = flask("keys", "create", "ever", "--days", "99999999999")
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert "--days" in result.stderr


def test_a_revoked_key_is_no_key(flask, connection):
    key = flask("keys", "create", "old").stdout.strip()
    stored = find_api_key(connection, key)
    connection.rollback()
    assert flask("keys", "revoke", str(stored.id)).returncode == 0
    assert find_api_key(connection, key) is None
    assert "old\trevoked" in flask("keys", "list").stdout


def test_a_link_signs_in_with_the_key_that_is_named(flask, connection):
    stored = find_api_key(connection, flask("keys", "create", "mine").stdout.strip())
    printed = flask("console-link", "--key", str(stored.id))
    assert "/console/sign-in?link=" in printed.stdout
    assert "once, within 15 minutes" in printed.stderr
    token = printed.stdout.strip().rpartition("=")[2]
    assert use_link(connection, token) == stored.id
    assert use_link(connection, token) is None
    assert "--key ID" in flask("console-link").stderr
    assert "API key not found" in flask("console-link", "--key", "999").stderr


@pytest.mark.parametrize(
    ("written", "settings", "address"),
    [
        ("{own} http://127.0.0.1:8123", {}, "http://127.0.0.1:8123"),
        ("{own} http://127.0.0.1:8123", {"PORT": 8124}, "http://127.0.0.1:8124"),
        (
            "{own} http://[::1]:8123",
            {"EXECUTIONS_WEBHOOK_URL": "https://e.example.com"},
            "https://e.example.com",
        ),
        ("2147483647 http://127.0.0.1:8123", {}, "http://127.0.0.1:8000"),
        ("", {}, "http://127.0.0.1:8000"),
    ],
)
def test_a_link_leads_to_what_was_started_in_this_folder(connection, tmp_path, monkeypatch, written, settings, address):
    for name in ("PORT", "EXECUTIONS_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / "lock").write_text(written.format(own=os.getpid()))
    (tmp_path / "api-key").write_text("a key of make run, long enough")
    ensure_api_key(connection, "a key of make run, long enough", label="make run", scopes=["*"])
    read = Settings.from_environment(environment("postgresql:///x", tmp_path, **settings))
    assert link_with(connection, read, None).startswith(f"{address}/console/sign-in?link=")


def test_the_encryption_key_is_changed(flask, connection, tmp_path):
    made = flask("keys", "rotate-encryption")
    assert (made.returncode, made.stderr) == (0, "")
    assert f"in {tmp_path / 'encryption-key'}" in made.stdout
    settings = {"EXECUTIONS_ENCRYPTION_KEY": "lost"}
    vault = Vault(Settings.from_environment({**environment("postgresql:///x", tmp_path), **settings}))
    vault.create(connection, "c1", name="c", type="smtp", project_id="default", data={"host": "h"})
    connection.commit()
    refused = flask("keys", "rotate-encryption")
    assert refused.returncode == 1
    assert "c1" in refused.stderr
    assert "encrypted anew: 0; all others are under" in refused.stdout
    assert "EXECUTIONS_ENCRYPTION_KEY_OLD" in refused.stderr
    moved = flask("keys", "rotate-encryption", EXECUTIONS_ENCRYPTION_KEY="new", EXECUTIONS_ENCRYPTION_KEY_OLD="lost")
    assert "Credentials encrypted anew: 1;" in moved.stdout
    nothing_to_do = flask("keys", "rotate-encryption", EXECUTIONS_ENCRYPTION_KEY="new")
    assert "EXECUTIONS_ENCRYPTION_KEY_OLD to this" in nothing_to_do.stdout


@pytest.mark.parametrize("label", ["", " ", "two\nlines", "a\tcolumn", "x" * 201])
def test_a_label_has_its_place_in_the_list_of_keys(label):
    result = CliRunner().invoke(keys, ["create", label])
    assert (result.exit_code, "a name of 1 to 200 characters" in result.output) == (2, True)


def test_a_key_expires_after_a_number_of_days():
    result = CliRunner().invoke(keys, ["create", "x", "--days", "nan"])
    assert (result.exit_code, "'--days': this is not a number" in result.output) == (2, True)
