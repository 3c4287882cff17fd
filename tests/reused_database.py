"""A database that many tests use one after the other: each finds it as empty as a new one, which takes ten times as
long to make.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.repository.connection import Connection, connect

# Rows go without their triggers and numbers start over; tables that record migrations stay. What nothing was ever
# written to, and what has counted nothing, is left alone: this runs for each of thousands of tests.
EMPTY_EVERYTHING = """
    DO $$
    DECLARE name text;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR name IN
            SELECT relname
              FROM pg_class
             WHERE relnamespace = 'public'::regnamespace
               AND relkind = 'r'
               AND relname !~ 'yoyo|migration'
               AND pg_relation_size(oid) > 0
        LOOP
            EXECUTE format('DELETE FROM %I', name);
        END LOOP;
        PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
           FROM pg_sequences
          WHERE schemaname = 'public'
            AND last_value IS NOT NULL;
        INSERT INTO projects (id, name) VALUES ('default', 'Default project');
        INSERT INTO pruning_turns DEFAULT VALUES;
        INSERT INTO node_packages_revision (revision) VALUES (1);
    END $$
"""

AS_NEW = "RESET ALL; UNLISTEN *; CLOSE ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all()"
"""Leaves what is prepared, of which psycopg keeps a list."""

SCHEMA = """
    SELECT md5(string_agg(known, chr(10) ORDER BY known))
      FROM (SELECT concat_ws(' ', relname, relkind, reloptions) FROM pg_class
             WHERE relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute
             WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
            UNION ALL
            SELECT concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint
            UNION ALL
            SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL
            SELECT concat_ws(' ', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL
            SELECT concat_ws(' ', migration, sha256) FROM migration_checksums
            UNION ALL
            SELECT migration_id FROM _yoyo_migration
            UNION ALL
            SELECT s.setconfig::text FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
             WHERE d.datname = current_database()) AS s (known)
"""


class ReusedDatabase:
    """A migrated database of this process, and connections to it that know its tables already."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._owner: Connection | None = None
        self._lent: Connection | None = None
        self._schema = self._read_schema()

    def _read_schema(self) -> str:
        with connect(self.url) as connection:
            return connection.execute(SCHEMA).fetchone()[0]

    def has_its_schema(self) -> bool:
        """Whether tables, triggers, functions, migrations and settings are those of a new one."""
        return self._read_schema() == self._schema

    def empty(self) -> str:
        """Take away all that tests have left; returns the address."""
        for attempt in range(2):
            if self._owner is None:
                self._owner = connect(self.url, autocommit=True)
            try:
                self._owner.execute(EMPTY_EVERYTHING)
                break
            except psycopg.OperationalError:  # a test has cut everybody off
                self._owner = None
                if attempt:
                    raise
        return self.url

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection as new, for one user at a time; what is not committed is undone at the end."""
        connection, self._lent = self._lent or connect(self.url), None
        try:
            yield connection
        finally:
            self._take_back(connection)

    def _take_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
            connection.autocommit = True
            connection.execute(AS_NEW)
            connection.autocommit = False
            self._lent = connection
        except psycopg.Error:
            connection.close()

    def close(self) -> None:
        """Close what is open."""
        for connection in (self._owner, self._lent):
            if connection is not None:
                connection.close()
