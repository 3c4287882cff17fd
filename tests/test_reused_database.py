"""What tests use one after the other is as empty as what a test gets of its own."""

import psycopg
import pytest
from psycopg import sql

from tests.postgres import cloned_database
from tests.reused_database import ReusedDatabase

TABLES = """
    SELECT relname
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname !~ 'yoyo|migration'
     ORDER BY relname
"""
COUNTED = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


def contents(url: str) -> dict[str, int | None]:
    """How many rows each table has, and how far each sequence has counted."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        counts = [sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(name)) for name in names]
        row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(counts))).fetchone()
        return dict(zip(names, row, strict=True)) | dict(connection.execute(COUNTED).fetchall())


def test_an_emptied_database_holds_what_a_new_one_holds(postgres_url: str, reused_database: ReusedDatabase) -> None:
    with reused_database.lend() as connection:
        connection.execute("INSERT INTO projects (id, name) VALUES ('other', 'Other')")
        connection.execute("UPDATE pruning_turns SET expires_at = now()")
        connection.execute("SELECT nextval(format('%I', sequencename)) FROM pg_sequences WHERE schemaname = 'public'")
        connection.commit()
    with cloned_database(postgres_url) as new:
        assert contents(reused_database.empty()) == contents(new)


def test_a_connection_is_lent_as_new(reused_database: ReusedDatabase) -> None:
    with reused_database.lend() as first:
        first.execute("SET statement_timeout = 7; LISTEN something; SELECT pg_advisory_lock(7)")
        first.execute("CREATE TABLE made (id int)")
    with reused_database.lend() as second:
        assert second.execute("SHOW statement_timeout").fetchone() == ("0",)
        assert second.execute("SELECT to_regclass('made')").fetchone() == (None,)
        assert second.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        ).fetchone() == (0,)


@pytest.mark.own_database
def test_a_changed_schema_is_noticed(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for change in (
            "ALTER TABLE tags SET (autovacuum_enabled = false)",
            "ALTER TABLE tags ADD COLUMN more int",
            "ALTER TABLE tags DISABLE TRIGGER USER; CREATE TRIGGER more AFTER INSERT ON tags EXECUTE FUNCTION"
            " suppress_redundant_updates_trigger()",
            "DELETE FROM migration_checksums WHERE migration = (SELECT max(migration) FROM migration_checksums)",
        ):
            reused = ReusedDatabase(database_url)
            assert reused.has_its_schema()
            connection.execute(change)
            assert not reused.has_its_schema(), change
