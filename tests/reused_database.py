"""A database that many tests use one after the other: each finds it as empty as a new one, which takes ten times as
long to make.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.repository.connection import Connection, connect

# What nothing was ever written to, and what has counted nothing, is left alone: this runs for each of thousands of
# tests. So it is a function, whose statements are planned once a connection, and the setting that lets rows go without
# their triggers is one of the connection: to change it throws such plans away. Tables that record migrations stay.
MAKE_EMPTIER = """
    SET session_replication_role = replica;
    DO $$
    DECLARE statements text;
    BEGIN
        SELECT string_agg(
                   format('IF pg_relation_size(%1$L::regclass) > 0 THEN DELETE FROM %1$I; END IF;', relname),
                   ' ' ORDER BY relname
               )
          INTO statements
          FROM pg_class
         WHERE relnamespace = 'public'::regnamespace
           AND relkind = 'r'
           AND relname !~ 'yoyo|migration';
        SELECT concat_ws(' ', statements, string_agg(
                   format(
                       'IF pg_sequence_last_value(%1$L) IS NOT NULL THEN PERFORM setval(%1$L, %2$s, false); END IF;',
                       seqrelid::regclass, seqstart
                   ),
                   ' '
               ))
          INTO statements
          FROM pg_sequence
          JOIN pg_class ON pg_class.oid = seqrelid
         WHERE relnamespace = 'public'::regnamespace;
        EXECUTE format('CREATE FUNCTION pg_temp.empty_everything() RETURNS void LANGUAGE plpgsql AS %L', concat_ws(' ',
            'BEGIN', statements,
            'INSERT INTO projects (id, name) VALUES (''default'', ''Default project'');',
            'INSERT INTO pruning_turns DEFAULT VALUES;',
            'INSERT INTO node_packages_revision (revision) VALUES (1);',
            'END'
        ));
    END $$
"""
EMPTY_EVERYTHING = "SELECT pg_temp.empty_everything()"

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
                self._owner.execute(MAKE_EMPTIER)
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
