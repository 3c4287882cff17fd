"""The PostgreSQL of vector stores: each project has its own, and what its role lifts is held from outside."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg

import app.vector_stores
from app.credentials.vault import Vault
from app.embedded import Bounds, Store, VectorServer
from app.embedded.vectors import LATE_SECONDS
from app.environment import SettingsError
from app.repository.credentials import get_credential, list_credentials
from app.settings import Settings
from app.settings.vector_stores import read_addresses, tell_address
from app.up import CannotStart, _start_vector_stores, _watch, up
from app.vector_stores import CREDENTIAL_NAME, start_vector_stores
from tests.live import environment, free_port
from tests.postgres import memory_folder

BOUNDS = Bounds(bytes=2**30, connections=5, memory_mb=128, seconds=600)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorServer]:
    in_memory = memory_folder()
    server = VectorServer(Path(in_memory or tmp_path_factory.mktemp("stores")) / "vectors", BOUNDS)
    yield server
    server.stop()
    if in_memory:
        shutil.rmtree(in_memory)


@pytest.fixture(scope="module")
def stores(server: VectorServer) -> dict[str, Store]:
    return server.start(["default", "other"])


@pytest.fixture(autouse=True)
def bounds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test makes of the bounds holds for that test."""
    yield
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        running._bounds = BOUNDS
        running.look(every=True)


def log_in(store: Store, database: str = "", user: str = "") -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=store.port,
        dbname=database or store.name,
        user=user or store.name,
        password=store.password,
        autocommit=True,
    )


def test_a_store_opens_no_other_database_and_nobody_is_superuser(stores):
    own, other = stores["default"], stores["other"]
    for database, user in ((other.name, own.name), ("postgres", own.name), ("template1", own.name)):
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
            log_in(own, database, user)
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        log_in(own, "postgres", "postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(replace(own, password=other.password))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DATABASE more",
        "CREATE ROLE more",
        "CREATE SCHEMA more",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "SET temp_file_limit = -1",
        "SET log_min_messages = debug5",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY (SELECT 1) TO '/tmp/written'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
    ],
)
def test_a_role_may_do_nothing_beside_its_database(stores, statement):
    with log_in(stores["default"]) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not bound it")
def test_memory_is_bounded_whatever_the_role_sets(stores):
    with log_in(stores["default"]) as connection:
        connection.execute("SET work_mem = '64GB'")
        with pytest.raises(pg.OutOfMemory):
            connection.execute("SELECT length(repeat('x', 200000000))")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_that_takes_too_long_is_ended_whatever_the_role_sets(server, stores):
    with log_in(stores["other"]) as idle, log_in(stores["default"]) as late:
        late.execute("SET statement_timeout = 0")
        late.execute("BEGIN")
        server.look()
        late.execute("SELECT 1")
        server._bounds = replace(BOUNDS, seconds=-LATE_SECONDS)
        server.look()
        with pytest.raises(psycopg.OperationalError):
            late.execute("SELECT 1")
        assert idle.execute("SELECT 1").fetchone() == (1,)


def test_a_store_that_has_grown_too_large_is_read_only_and_then_closed(server, stores):
    own = stores["default"]
    write = "CREATE TABLE IF NOT EXISTS written ()"
    with log_in(own) as connection:
        connection.execute(write)
        (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        server._bounds = replace(BOUNDS, bytes=size - 1)
        server.look()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with log_in(own) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(pg.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE more ()")
    server._bounds = replace(BOUNDS, bytes=size // 2)
    server.look(every=True)
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        log_in(own)
    server._bounds = BOUNDS
    server.look(every=True)
    with log_in(own) as connection:
        connection.execute(write)


def test_vectors_are_found_again_after_a_restart_and_stores_of_others_are_closed(server, stores):
    with log_in(stores["default"]) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("CREATE TABLE kept (word text, place vector(3))")
        connection.execute("INSERT INTO kept VALUES ('far', '[9,9,9]'), ('near', '[1,2,3]')")
    server.stop()
    again = server.start(["default"])
    assert again == {"default": stores["default"]}
    nearest = "SELECT word FROM kept ORDER BY place <-> '[1,2,4]' LIMIT 1"
    with log_in(again["default"]) as connection:
        assert connection.execute(nearest).fetchone() == ("near",)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        log_in(stores["other"])


def test_a_project_gets_a_credential_that_follows_its_store(database_url, connection, tmp_path, monkeypatch):
    class Server:
        port = 4001

        def __init__(self, *_: object) -> None:
            pass

        def start(self, owners):
            return {owner: Store(self.port, f"store_of_{owner}", "secret") for owner in owners}

        def stop(self) -> None:
            pass

    monkeypatch.setattr(app.vector_stores, "VectorServer", Server)
    environ = {"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path), "EXECUTIONS_VECTOR_STORES": "default"}
    settings = Settings.from_environment(environ)
    for port in (4001, 4001, 4002):
        Server.port = port
        with ExitStack() as running:
            start_vector_stores(settings, running, lambda _: None)
            assert read_addresses(tmp_path) == {("default", "127.0.0.1", port)}
            (found,) = list_credentials(connection, limit=10)
            assert (found.name, found.type, found.project_id) == (CREDENTIAL_NAME, "postgres", "default")
            held = Vault(settings).read_in_project(connection, "default", found.id, "postgres")
            assert (held["port"], held["user"], held["database"]) == (port, "store_of_default", "store_of_default")
            updated = get_credential(connection, found.id).updated_at
            connection.rollback()
        assert not read_addresses(tmp_path)
    assert updated > found.created_at
    unknown = Settings.from_environment({**environ, "EXECUTIONS_VECTOR_STORES": "default,unknown"})
    with ExitStack() as running, pytest.raises(SettingsError, match="not there: unknown"):
        start_vector_stores(unknown, running, lambda _: None)


def test_make_run_starts_none_unasked_and_none_beside_a_database_of_somebody_else(tmp_path):
    environ = environment("postgresql:///unused", tmp_path)
    with ExitStack() as running:
        assert _start_vector_stores(Settings.from_environment(environ), running, print) is None
    with pytest.raises(CannotStart, match="embedded PostgreSQL alone"):
        up({**environ, "PORT": str(free_port()), "EXECUTIONS_VECTOR_STORES": "default"}, print)


def test_make_run_looks_after_the_stores():
    class Looked(Exception):
        pass

    class Child:
        checked = 0

        def check(self) -> None:
            self.checked += 1

    class Stores:
        child = Child()

        def look(self) -> None:
            raise Looked

    with pytest.raises(Looked):
        _watch([], Stores())
    assert Stores.child.checked == 1


def test_an_address_counts_while_the_process_that_told_it_lives(tmp_path):
    assert not read_addresses(tmp_path)
    file = tell_address(tmp_path, "127.0.0.1", 4001, ["a", "b"])
    assert read_addresses(tmp_path) == {("a", "127.0.0.1", 4001), ("b", "127.0.0.1", 4001)}
    environ = environment("postgresql:///unused", tmp_path)
    assert Settings.from_environment(environ).allowed_hosts.of_projects == read_addresses(tmp_path)
    file.write_text(file.read_text().replace(str(os.getpid()), str(2**22 + 1), 1))
    assert not read_addresses(tmp_path)


@pytest.mark.parametrize("value", ["a b", ",".join(map(str, range(51)))])
def test_names_of_projects_that_cannot_be_are_refused(tmp_path, value):
    with pytest.raises(SettingsError, match="EXECUTIONS_VECTOR_STORES"):
        Settings.from_environment({**environment("postgresql:///x", tmp_path), "EXECUTIONS_VECTOR_STORES": value})
