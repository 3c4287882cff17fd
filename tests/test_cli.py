"""The commands of flask, run as a person runs them: as processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from app.command_errors import explanation
from app.import_commands import bring_in
from app.repository.api_keys import ensure_api_key
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
        first = flask("migrate", DATABASE_URL=empty, EXECUTIONS_ENCRYPTION_KEY="0123456789abcdef")
        assert "Applied 0001." in first.stdout
        assert "could be guessed" not in first.stderr
        for guessable in ("0", "0123456789abcde", "a1" * 32):
            again = flask("migrate", DATABASE_URL=empty, EXECUTIONS_ENCRYPTION_KEY=guessable)
            assert again.stdout == "The database is up to date\n"
            assert "EXECUTIONS_ENCRYPTION_KEY could be guessed" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["keys", "revoke", "4711"], {}, "API key not found. `flask keys list`"),
        (["keys", "create", "x", "--project", "nowhere"], {}, "Project not found. GET /api/v1/projects"),
        (["packages", "remove", "nothing"], {}, "is not installed. `flask packages list`"),
        (["import", "/no/such/file.json"], {}, "/no/such/file.json: No such file"),
        (["import", "postgresql://u:p@h/n8n"], {}, "An address is no file of workflows: `flask import n8n SOURCE`"),
        (["migrate"], {"EXECUTIONS_CONCURRENCY": "many"}, "EXECUTIONS_CONCURRENCY"),
        (["migrate"], {"DATABASE_URL": ""}, "DATABASE_URL"),
        (["migrate"], {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "Look at DATABASE_URL"),
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


def test_bytes_that_are_no_text_are_said_to_be_so():
    with pytest.raises(UnicodeEncodeError) as raised:
        os.fsdecode(b"\xff").encode()
    assert explanation(raised.value) == r"'\udcff' is no text in UTF-8: write it anew in a terminal or file that is."


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
