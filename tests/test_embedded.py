"""The embedded PostgreSQL: keeps its data, is reachable by nobody else, and opens no folder."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

import app.embedded.account
from app.embedded import EmbeddedPostgres
from app.embedded.account import NoUsableAccount, choose_account
from app.embedded.binaries import postgres_binaries
from app.processes import ChildDied
from tests.postgres import copy
from tests.process_state import is_running

pytestmark = pytest.mark.slow

STARTED_AND_KILLED = """
import os, pathlib, signal, sys
from app.embedded import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
print(server.start(), server.child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in a folder that only the present user may enter, with a space in its path."""
    closed = tmp_path / "closed folder"
    closed.mkdir(mode=0o700)
    return closed / "home"


@pytest.fixture
def new_server(home: Path) -> Iterator[EmbeddedPostgres]:
    """A server that creates its data when it is started."""
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data that a server has created and left."""
    home = tmp_path_factory.mktemp("created")
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    return home / "postgres"


@pytest.fixture
def server(home: Path, created: Path, new_server: EmbeddedPostgres) -> EmbeddedPostgres:
    """A server that finds the data of another: to create it takes most of the time of a start."""
    copy(created, home / "postgres")
    return new_server


def modes(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.parents]}


def test_data_outlives_the_server_and_no_folder_is_opened(home, new_server):
    server, before = new_server, modes(home.parent)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('grüße')")
    server.stop()
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("grüße",)
    assert modes(home.parent) == before
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700


def test_it_is_told_nothing_of_our_secrets(server, monkeypatch):
    monkeypatch.setenv("EXECUTIONS_API_KEY", "canary")
    monkeypatch.setenv("PGPASSWORD", "canary")
    server.start()
    environ = Path(f"/proc/{server.child.pid}/environ").read_bytes()
    assert b"PATH=" in environ
    assert b"canary" not in environ


def test_a_look_at_what_an_account_reaches_tells_it_nothing_of_our_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("EXECUTIONS_ENCRYPTION_KEY", "canary")
    told = tmp_path / "environ"
    change_user = ("sh", "-c", f'cat /proc/$$/environ >{told}; exec "$@"', "sh")
    assert app.embedded.account._reaches(change_user, Path("/bin/sh"), tmp_path)
    assert b"PATH=" in told.read_bytes()
    assert b"canary" not in told.read_bytes()


def test_whoever_shares_the_account_of_the_server_is_not_let_in(server):
    url = server.start()
    query = [postgres_binaries() / "psql", url, "-c", "SELECT 1"]
    assert subprocess.run(query, capture_output=True, check=False).returncode == 0
    if server._account.uid == os.geteuid():
        pytest.skip("the server runs under this very account")
    refused = subprocess.run([*server._account.prefix, *query], capture_output=True, text=True, check=False, cwd="/")
    assert "Peer authentication failed" in refused.stderr


def test_it_is_version_18_durable_utf8_and_listens_on_a_closed_socket_only(server):
    url = server.start()
    with psycopg.connect(url) as connection:
        settings = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    assert settings["server_version"].split(".")[0] == "18"
    assert [settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
    assert settings["server_encoding"] == "UTF8"
    assert settings["listen_addresses"] == ""
    socket_folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    server.stop()
    assert not socket_folder.exists()


def test_a_server_left_by_a_killed_program_is_found_and_stopped(home, server):
    command = [sys.executable, "-c", STARTED_AND_KILLED, str(home)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    left = Path(parse_qs(urlsplit(output[0]).query)["host"][0])
    server.start()
    assert not is_running(int(output[1]))
    assert not left.exists()


def test_a_leftover_that_outlived_its_parent_is_stopped_first(home, server):
    server.start()
    assert server.child is not None
    second = EmbeddedPostgres(home)
    with psycopg.connect(second.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(ChildDied):
        server.child.check()
    second.stop()


def test_acknowledged_data_survives_a_crash(home, server):
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    os.kill(server.child.pid, signal.SIGKILL)
    with psycopg.connect(EmbeddedPostgres.start(server)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_an_interrupted_creation_is_started_over(home, new_server):
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with psycopg.connect(new_server.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_cannot_start_says_why(home, server):
    server.start()
    server.stop()
    with (home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(ChildDied, match="no_such_setting"):
        server.start()


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="starts PostgreSQL as root")


@root_only
def test_root_is_left_behind_and_at_most_one_capability_kept(server):
    server.start()
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.child.pid}/status").read_text().splitlines())
    assert "0" not in status["Uid"].split()
    assert status["CapEff"] == status["CapBnd"]
    assert int(status["CapEff"], 16).bit_count() <= 1


@root_only
def test_binaries_that_only_root_may_read_are_started(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "postgres"
    shutil.copy(shutil.which("true"), program)
    program.chmod(0o700)
    account = choose_account(program, closed / "data")
    assert account.uid != 0
    assert subprocess.run([*account.prefix, program], check=False).returncode == 0


@root_only
def test_the_owner_of_existing_data_runs_the_server(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 1, 1)
    assert choose_account(postgres_binaries() / "postgres", data).uid == 1


@root_only
def test_without_a_way_to_change_the_user_it_says_what_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(app.embedded.account.shutil, "which", lambda name: None)
    with pytest.raises(NoUsableAccount, match="DATABASE_URL"):
        choose_account(postgres_binaries() / "postgres", tmp_path / "data")
