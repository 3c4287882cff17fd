"""The commands of flask, run as a person runs them: as processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from app.cli import keys, link_with
from app.command_errors import explanation
from app.credentials.vault import Vault
from app.import_commands import bring_in
from app.repository.api_keys import ensure_api_key, find_api_key
from app.repository.console_sessions import use_link
from app.settings import Settings
from tests.live import PROJECT, environment
from tests.postgres import cloned_database


@pytest.mark.parametrize(("argument", "returncode", "said"), [("--help", 0, ""), ("nothing", 2, "No such command")])
def test_commands_are_listed_without_any_setting(flask, tmp_path, argument, returncode, said):
    result = flask(argument, DATABASE_URL="", EXECUTIONS_HOME=tmp_path / "home")
    assert (result.returncode, said in result.stderr, "DATABASE_URL" in result.stderr) == (returncode, True, False)
    assert "console-link" in result.stdout or said
    assert not (tmp_path / "home").exists()


def test_migrate_says_what_it_applied_and_can_be_run_again(postgres_url, flask):
    with cloned_database(postgres_url, "template0") as empty:
        assert "Applied 0001." in flask("migrate", DATABASE_URL=empty).stdout
        assert flask("migrate", DATABASE_URL=empty).stdout == "The database is up to date\n"


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
    assert "execution:lst is no scope. Did you mean execution:list?" in result.stderr
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


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["keys", "revoke", "4711"], {}, "API key not found. `flask keys list`"),
        (["keys", "create", "x", "--project", "nowhere"], {}, "Project not found. GET /api/v1/projects"),
        (["import", "/no/such/file.json"], {}, "/no/such/file.json: No such file"),
        (["migrate"], {"EXECUTIONS_CONCURRENCY": "many"}, "EXECUTIONS_CONCURRENCY"),
        (["migrate"], {"DATABASE_URL": ""}, "DATABASE_URL"),
        (["migrate"], {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "connection"),
        (["worker"], {"DATABASE_URL": ""}, "DATABASE_URL"),
        (["migrate"], {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL is no address of a PostgreSQL"),
        (["doctor"], {"DATABASE_URL": "localhost"}, "postgresql://user:password@host:5432/name"),
        (["worker"], {"DATABASE_REPLICA_URL": "mysql://x/y"}, "DATABASE_REPLICA_URL"),
        (["migrate"], {"DATABASE_URL": "postgresql://u:s3:cr@t/x"}, "percent-encoded"),
    ],
)
def test_what_is_expected_to_go_wrong_is_said_in_a_sentence(flask, arguments, settings, message):
    result = flask(*arguments, **settings)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--timezone", "Mars/Phobos"),
        ("--timezone", "Europe"),
        ("--timezone", ""),
        ("--every", "nan"),
        ("--every", "inf"),
    ],
)
def test_an_import_takes_no_option_that_means_nothing(option, given):
    result = CliRunner().invoke(bring_in, ["n8n", "n8n.zip", option, given])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


@pytest.mark.parametrize("label", ["", " ", "two\nlines", "a\tcolumn", "x" * 201])
def test_a_label_has_its_place_in_the_list_of_keys(label):
    result = CliRunner().invoke(keys, ["create", label])
    assert (result.exit_code, "a name of 1 to 200 characters" in result.output) == (2, True)


def test_a_key_expires_after_a_number_of_days():
    result = CliRunner().invoke(keys, ["create", "x", "--days", "nan"])
    assert (result.exit_code, "'--days': this is no number" in result.output) == (2, True)


@pytest.mark.parametrize("arguments", [["worker"], ["keys", "list"], ["keys", "create", "x"]])
def test_a_database_that_is_not_migrated_is_said_to_be_so(postgres_url, flask, arguments):
    with cloned_database(postgres_url, "template0") as empty:
        result = flask(*arguments, DATABASE_URL=empty)
    assert result.returncode == 1
    assert "run `flask migrate`" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_role_that_may_not_create_tables_is_told_what_it_lacks(postgres_url, flask):
    with cloned_database(postgres_url, "template0") as empty, psycopg.connect(empty, autocommit=True) as owner:
        owner.execute("CREATE ROLE may_nothing LOGIN")
        try:
            result = flask("migrate", DATABASE_URL=psycopg.conninfo.make_conninfo(empty, user="may_nothing"))
        finally:
            owner.execute("DROP ROLE may_nothing")
    assert result.returncode == 1
    assert 'GRANT USAGE, CREATE ON SCHEMA "public" TO "may_nothing"' in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_to_is_named(flask, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    result = flask("worker", EXECUTIONS_HOME=home)
    assert result.returncode == 1
    assert str(home) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
        psycopg.OperationalError("cannot exit pipeline mode while busy"),
        psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly"),
    ],
)
def test_a_server_that_was_stopped_is_said_to_be_so(error):
    assert "run the same again" in explanation(error)


def test_a_javascript_package_that_is_missing_is_no_matter_of_the_disk():
    error = FileNotFoundError(2, "No such file or directory", "/opt/executions/app/engine/sandbox/node_modules/x/i.js")
    assert "make install" in explanation(error)


def test_a_home_that_is_a_file_is_named(flask, tmp_path):
    home = tmp_path / "home"
    home.write_text("")
    result = flask("worker", EXECUTIONS_HOME=home)
    assert result.returncode == 1
    assert str(home) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["migrate"], ["keys", "create", "x"], ["keys", "revoke", "1"], ["worker"]])
def test_a_database_that_takes_no_changes_is_said_to_be_so(database_url, flask, connection, arguments):
    ensure_api_key(connection, "a key of the tests", label="x", scopes=["*"])
    connection.commit()
    read_only = psycopg.conninfo.make_conninfo(database_url, options="-c default_transaction_read_only=on")
    result = flask(*arguments, DATABASE_URL=read_only)
    assert result.returncode == 1
    assert "let DATABASE_URL lead to the primary" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_of_another_program_is_left_alone(empty_url, flask):
    with psycopg.connect(empty_url) as theirs:
        theirs.execute("CREATE TABLE workflows (id text)")
    result = flask("migrate", DATABASE_URL=empty_url)
    assert result.returncode == 1
    assert "tables of another program" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_that_cannot_hold_every_text_is_refused(postgres_url, flask):
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE DATABASE plain_bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        try:
            result = flask("migrate", DATABASE_URL=psycopg.conninfo.make_conninfo(postgres_url, dbname="plain_bytes"))
        finally:
            server.execute("DROP DATABASE plain_bytes WITH (FORCE)")
    assert result.returncode == 1
    assert "encoding is SQL_ASCII" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "content"),
    [(["worker"], b""), (["keys", "rotate-encryption"], b"\xff\xfe"), (["serve"], b"\n"), (["doctor"], b"\xff")],
)
def test_a_key_file_without_a_key_is_named(flask, tmp_path, arguments, content):
    (tmp_path / "encryption-key").write_bytes(content)
    result = flask(*arguments)
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert str(tmp_path / "encryption-key") in said
    assert "holds no key" in said
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["keys", "scopes"], ["doctor"]])
def test_output_that_finds_no_room_is_said_in_a_sentence(database_url, tmp_path, arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "flask", *arguments]
        environ = environment(database_url, tmp_path)
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environ, check=False)
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["keys", "scopes"]])
def test_a_full_disk_below_what_is_printed_is_told(arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "app", *arguments]
        done = subprocess.run(command, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=99)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: What this command prints cannot be written: No space left on device.\n",
    )


INTERRUPTED = """
import os, runpy, signal, sys

class Interrupts:
    @staticmethod
    def find_spec(name, *rest):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts)
sys.argv = ["executions", "--version"]
runpy.run_path({start!r}, run_name="__main__")
"""


@pytest.mark.parametrize(("start", "name"), [("app/__main__.py", "click"), ("gunicorn.conf.py", "app.logs")])
def test_ctrl_c_while_it_loads_ends_it_without_a_traceback(start, name):
    command = [sys.executable, "-c", INTERRUPTED.format(start=start, name=name)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=99)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
