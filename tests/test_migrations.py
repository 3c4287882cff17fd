"""Migrations: applied once whoever comes first, noticed when edited, and each can be taken back."""

import re
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
import yoyo

from app.migrations import MIGRATIONS, MigrationError, _backend, migrate, pending
from tests.postgres import cloned_database

MIGRATE = "import sys; from app.migrations import migrate; print(*migrate(sys.argv[1]))"


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    with cloned_database(postgres_url, "template0") as url:
        yield url


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
    applied = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sorted(applied) == [[], [], [], names()]


def test_a_second_run_applies_nothing(database_url, connection):
    assert migrate(database_url) == []
    assert pending(connection) == []


def test_an_empty_database_lacks_everything(empty_url):
    with psycopg.connect(empty_url) as connection:
        assert pending(connection) == names()


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
    applied = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sorted(applied) == [[], [], ["0001.first", "0002.index"]]


def test_every_migration_can_be_taken_back(database_url):
    for name in names():
        assert (MIGRATIONS / f"{name}.rollback.sql").read_text().strip(), name
    with _backend(database_url) as backend:
        backend.rollback_migrations(backend.to_rollback(yoyo.read_migrations(str(MIGRATIONS))))
    left = {table for table in tables(database_url) if "yoyo" not in table}
    assert left == {"migration_checksums"}


def test_no_two_migrations_have_the_same_number():
    numbers = [name.split(".")[0] for name in names()]
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
