"""Migrations: applied once whoever comes first, noticed when edited, and each can be taken back."""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import yoyo

from app.migrations import LOCK_SECONDS, MIGRATIONS, MigrationError, _backend, migrate, pending
from tests.patience import PATIENCE_SECONDS, wait_until

MIGRATE = "import sys; from app.migrations import migrate; print(*migrate(sys.argv[1]))"


def names() -> list[str]:
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))


def tables(url: str) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query)}


def test_processes_that_start_at_once_apply_every_migration_once(empty_url):
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, empty_url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    applied = [process.communicate(timeout=PATIENCE_SECONDS)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sorted(applied) == [[], [], [], names()]


@pytest.mark.own_database
def test_a_second_run_applies_nothing(database_url, connection):
    assert migrate(database_url) == []
    assert pending(connection) == []


def test_an_empty_database_lacks_everything(empty_url):
    with psycopg.connect(empty_url) as connection:
        assert pending(connection) == names()


@pytest.mark.own_database
def test_a_lock_that_a_killed_process_left_behind_is_broken(database_url, connection):
    connection.execute("INSERT INTO yoyo_lock (locked, pid) VALUES (1, 1)")
    connection.commit()
    assert migrate(database_url) == []


def test_a_migration_that_fails_leaves_nothing_and_runs_again_when_mended(empty_url, tmp_path):
    migration = tmp_path / "0001.broken.sql"
    migration.write_text("CREATE TABLE half (id int);\nCREATE TABLE half (id int);\n")
    with pytest.raises(psycopg.Error):
        migrate(empty_url, migrations=tmp_path)
    assert "half" not in tables(empty_url)
    migration.write_text("CREATE TABLE half (id int);\n")
    assert migrate(empty_url, migrations=tmp_path) == ["0001.broken"]


def test_an_edited_migration_is_noticed(empty_url, tmp_path):
    migration = tmp_path / "0001.first.sql"
    migration.write_text("CREATE TABLE first (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    migration.write_text("CREATE TABLE first (id bigint);\n")
    with pytest.raises(MigrationError, match=r"edited since it was applied: 0001\.first"):
        migrate(empty_url, migrations=tmp_path)


def test_a_database_newer_than_the_program_is_left_alone(empty_url, tmp_path):
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    later = tmp_path / "0002.later.sql"
    later.write_text("CREATE TABLE later (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    later.unlink()
    with pytest.raises(MigrationError, match=r"newer than this program.*0002\.later"):
        migrate(empty_url, migrations=tmp_path)


def test_an_index_is_built_concurrently_while_another_process_waits(empty_url, tmp_path):
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    (tmp_path / "0002.index.sql").write_text(
        "-- transactional: false\nCREATE INDEX CONCURRENTLY first_by_id ON first (id);\n"
    )
    program = MIGRATE.replace("argv[1]", "argv[1], migrations=__import__('pathlib').Path(sys.argv[2])")
    command = [sys.executable, "-c", program, empty_url, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    applied = [process.communicate(timeout=PATIENCE_SECONDS)[0].split() for process in processes]
    assert sorted(applied) == [[], [], ["0001.first", "0002.index"]]


WITHOUT_TRANSACTION = """-- transactional: false
-- Builds first_by_id: CREATE INDEX CONCURRENTLY is a statement by itself.
CREATE INDEX CONCURRENTLY IF NOT EXISTS first_by_id ON first (id);
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE INDEX CONCURRENTLY first_by_twice_id ON first ((2 * id));
CREATE UNIQUE INDEX CONCURRENTLY first_is_unique ON first (id);
"""


def test_a_migration_without_a_transaction_goes_on_where_it_was_cut_short(empty_url, tmp_path):
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    (tmp_path / "0002.rest.sql").write_text(WITHOUT_TRANSACTION)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("INSERT INTO first VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            migrate(empty_url, migrations=tmp_path)
        assert pending(connection, migrations=tmp_path) == ["0002.rest"]
        # As if it had been killed between a statement and the note of it.
        connection.execute("UPDATE migration_steps SET done = done - 1")
        connection.execute("DELETE FROM first WHERE ctid = '(0,1)'")
        assert migrate(empty_url, migrations=tmp_path) == ["0002.rest"]
        valid = "SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid AND indrelid = 'first'::regclass"
        assert {row[0] for row in connection.execute(valid)} == {"first_by_id", "first_by_twice_id", "first_is_unique"}
        assert connection.execute("SELECT count(*) FROM migration_steps").fetchone() == (0,)


def test_an_index_that_is_half_built_is_built_anew(empty_url, tmp_path):
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("INSERT INTO first VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY first_by_id ON first (id)")
        (tmp_path / "0002.rest.sql").write_text(WITHOUT_TRANSACTION.rsplit("\n", 2)[0])
        migrate(empty_url, migrations=tmp_path)
        found = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'first_by_id'::regclass"
        assert connection.execute(found).fetchone() == (True, False)


@pytest.mark.parametrize("kind", ["", "-- transactional: false\n"])
def test_nobody_queues_behind_a_migration_that_waits_for_a_lock(empty_url, tmp_path, kind):
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    (tmp_path / "0002.column.sql").write_text(f"{kind}ALTER TABLE first ADD COLUMN second int;\n")
    with psycopg.connect(empty_url) as reader, psycopg.connect(empty_url, autocommit=True) as other:
        reader.execute("SELECT FROM first")  # and leaves its transaction open
        other.execute(f"SET statement_timeout = '{PATIENCE_SECONDS}s'")
        with pytest.raises(MigrationError, match=r"0002\.column cannot have a lock"):
            migrate(empty_url, migrations=tmp_path, timeout=0.1)
        with ThreadPoolExecutor() as threads:
            migrating = threads.submit(migrate, empty_url, migrations=tmp_path)

            def insert() -> bool:
                """Whether it had to wait a good part of what the migration may make it wait."""
                began = time.monotonic()
                other.execute("INSERT INTO first VALUES (1)")  # each comes through while the reader stays in the way
                return time.monotonic() - began > LOCK_SECONDS / 2

            for _ in range(2):
                wait_until(insert, "nobody was in its way: this test shows nothing")
            assert not migrating.done()
            reader.rollback()
            assert migrating.result(PATIENCE_SECONDS) == ["0002.column"]


def test_a_migration_waits_for_vacuum_in_nobodys_way(empty_url, tmp_path):
    """Long enough for an autovacuum to give way, which it never did for a lock that is asked for shortly."""
    (tmp_path / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    migrate(empty_url, migrations=tmp_path)
    (tmp_path / "0002.column.sql").write_text("ALTER TABLE first ADD COLUMN second int;\n")
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock')"
    with psycopg.connect(empty_url) as vacuum, psycopg.connect(empty_url, autocommit=True) as other:
        vacuum.execute("LOCK TABLE first IN SHARE UPDATE EXCLUSIVE MODE")  # what vacuum holds
        with ThreadPoolExecutor() as threads:
            migrating = threads.submit(migrate, empty_url, migrations=tmp_path)
            wait_until(lambda: other.execute(waiting).fetchone() == (True,), "it does not wait as vacuum lets others")
            other.execute("INSERT INTO first VALUES (1)")
            assert other.execute(waiting).fetchone() == (True,)
            vacuum.rollback()
            assert migrating.result(PATIENCE_SECONDS) == ["0002.column"]


@pytest.mark.own_database
def test_every_migration_can_be_taken_back(database_url):
    for name in names():
        assert (MIGRATIONS / f"{name}.rollback.sql").read_text().strip(), name
    with _backend(database_url) as backend:
        backend.rollback_migrations(backend.to_rollback(yoyo.read_migrations(str(MIGRATIONS))))
    left = {table for table in tables(database_url) if "yoyo" not in table}
    assert left == {"migration_checksums", "migration_steps"}


def test_no_two_migrations_have_the_same_number():
    numbers = [name.split(".")[0] for name in names()]
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
