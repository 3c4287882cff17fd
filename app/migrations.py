"""Applies the numbered migrations of sql/ to a database, also to one that is in use.

Any number of processes may do so at once: one works, the others wait for it. A migration and the note that it
was applied are one transaction, so a killed process leaves either both or neither. One that says
`transactional: false` goes on at the statement where it was cut short.

No statement waits for a lock in front of everybody else for longer than LOCK_SECONDS: whatever asks for the same
table meanwhile queues behind it. It gives up, lets them pass, and tries again. For vacuum it waits in a way that holds
nobody up: an autovacuum gives way only to who waits longer than that (deadlock_timeout).
"""

import hashlib
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from app.places import BESIDE

if TYPE_CHECKING:
    from yoyo.backends import DatabaseBackend
    from yoyo.migrations import Migration

log = logging.getLogger(__name__)

MIGRATIONS = BESIDE / "sql"

OLDEST_SUPPORTED = 150_000
"""PostgreSQL 15, as `server_version` counts."""

LOCK_ID = 0x65786563
"""Key of the advisory lock that a migrating process holds."""

NOTES = "migration_checksums"
"""Table of what was applied, with its content's SHA-256: yoyo itself does not notice an edited migration."""

STEPS = "migration_steps"
"""Table of how many statements of a migration without a transaction are done."""

LOCK_SECONDS = 0.5
PAUSE_SECONDS = 0.2  # at least, for what has queued meanwhile to get through
MAINTENANCE_SECONDS = 10.0

BY_ITSELF = re.compile(r"^(?:CREATE|CREATE UNIQUE|DROP) INDEX CONCURRENTLY\b", re.MULTILINE)
"""What cannot stand in a transaction; it lets others read and write while it waits, so it may wait."""
BUILT = re.compile(r"^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
DONE_BEFORE = (pg.DuplicateTable, pg.UndefinedObject)

INVALID = """
    SELECT EXISTS (SELECT FROM pg_index AS i WHERE i.indexrelid = to_regclass(%s) AND NOT i.indisvalid)
"""

MAY_CREATE = """
    SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE'), pg_get_userbyid(d.datdba)
      FROM pg_database AS d
     WHERE d.datname = current_database()
"""

# Tables of this role's that somebody vacuums, or looks after in another way that lets others read and write.
MAINTAINED = """
    SELECT DISTINCT l.relation::regclass::text
      FROM pg_locks AS l
      JOIN pg_class AS c ON c.oid = l.relation
      JOIN pg_database AS d ON d.oid = l.database
     WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
       AND d.datname = current_database() AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
       AND pg_has_role(c.relowner, 'USAGE')
"""


class MigrationError(Exception):
    """The database and the migrations do not fit together."""


def migrate(database_url: str, *, migrations: Path = MIGRATIONS, timeout: float = 300.0) -> list[str]:
    """Apply what is missing, in order, and return the names of what was applied.

    Waits up to `timeout` seconds for another process that migrates the same database, and as long for each lock
    that somebody's long transaction withholds.

    Raises MigrationError when an applied migration was edited since or is gone, or when that time is up,
    and psycopg.Error for what the database refuses.
    """
    import yoyo  # here: whoever asks what is pending has no need of it

    _check_server(database_url)
    with _only_one(database_url, timeout), _backend(database_url) as backend:
        # Whoever holds the advisory lock is alone, so a row in yoyo's own lock is a killed process's.
        backend.break_lock()
        backend.ensure_internal_schema_updated()
        backend.execute(f"CREATE TABLE IF NOT EXISTS {NOTES} (migration text PRIMARY KEY, sha256 text NOT NULL)")
        backend.execute(f"CREATE TABLE IF NOT EXISTS {STEPS} (migration text PRIMARY KEY, done integer NOT NULL)")
        # A statement whose program was killed does not go on behind the back of the next one.
        backend.execute("SET client_connection_check_interval = '1s'")
        missing = _missing(backend, list(yoyo.read_migrations(str(migrations))))
        for migration in missing:
            _apply(backend, migration, timeout)
        return [migration.id for migration in missing]


def _check_server(database_url: str) -> None:
    """Raises MigrationError for a server or a role with which no migration can go well."""
    with psycopg.connect(database_url) as connection:
        if connection.info.server_version < OLDEST_SUPPORTED:
            version = connection.info.server_version // 10_000
            raise MigrationError(f"PostgreSQL 15 or newer is needed; this is {version}. Upgrade the server first")
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise MigrationError(
                f"the database's encoding is {encoding}, which cannot hold every text: make it anew, with "
                "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'"
            )
        role = connection.info.user
        schema, may_create, owner = connection.execute(MAY_CREATE).fetchone() or (None, False, "")
        if schema is None or not may_create:
            name = schema or "public"
            raise MigrationError(
                f"the role {role} may not create tables in the schema {name}: set DATABASE_URL to that of a role "
                f"that may (the database belongs to {owner}). Or, as the schema's owner, run "
                f'GRANT USAGE, CREATE ON SCHEMA "{name}" TO "{role}"'
            )


def pending(connection: psycopg.Connection[tuple[object, ...]], *, migrations: Path = MIGRATIONS) -> list[str]:
    """Names of the migrations that the database still lacks; all of them for an empty database."""
    names = sorted(path.stem for path in migrations.glob("*.sql") if not path.name.endswith(".rollback.sql"))
    if is_new(connection):
        return names
    applied = {row[0] for row in connection.execute("SELECT migration FROM migration_checksums")}
    return [name for name in names if name not in applied]


def is_new(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether no migration was applied yet."""
    return connection.execute("SELECT to_regclass('migration_checksums') IS NULL").fetchone() == (True,)


def unknown(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Names of the migrations that a migrated database has and this program does not know: a newer one made them."""
    known = {path.stem for path in MIGRATIONS.glob("*.sql")}
    applied = [str(row[0]) for row in connection.execute("SELECT migration FROM migration_checksums")]
    return sorted(name for name in applied if name not in known)


def _missing(backend: "DatabaseBackend", known: "list[Migration]") -> "list[Migration]":
    """The migrations not applied yet. Raises MigrationError when the others are not as they were."""
    applied = dict(backend.execute(f"SELECT migration, sha256 FROM {NOTES}").fetchall())
    gone = sorted(applied.keys() - {migration.id for migration in known})
    if gone:
        raise MigrationError(f"the database is newer than this program: it has {', '.join(gone)}")
    edited = [m.id for m in known if m.id in applied and applied[m.id] != _checksum(m)]
    if edited:
        raise MigrationError(
            f"edited since it was applied: {', '.join(edited)}. "
            "Undo the edit and write a new migration; a database without value can simply be deleted"
        )
    return [migration for migration in known if migration.id not in applied]


def _apply(backend: "DatabaseBackend", migration: "Migration", timeout: float) -> None:
    migration.load()
    if not migration.use_transactions:
        _apply_statements(backend, migration, timeout)
        return

    def apply() -> None:
        migration.process_steps(backend, "apply")
        _note_applied(backend, migration)

    _patiently(backend, apply, migration, timeout)


def _apply_statements(backend: "DatabaseBackend", migration: "Migration", timeout: float) -> None:
    """Apply a migration one statement after the other, from the first that is not noted as done."""
    from yoyo.migrations import read_sql_migration

    statements = read_sql_migration(migration.path)[2]
    row = backend.execute(f"SELECT done FROM {STEPS} WHERE migration = :name", {"name": migration.id}).fetchone()
    begun = row[0] if row else 0
    if row is None:
        _note_done(backend, migration, 0)
    for number, statement in enumerate(statements[begun:], start=begun):

        def apply(number: int = number, statement: str = statement) -> None:
            backend.connection.execute(statement.encode())
            _note_done(backend, migration, number + 1)

        if BY_ITSELF.search(statement):
            try:
                _apply_by_itself(backend.connection, statement)
            except DONE_BEFORE:
                if row is None or number > begun:
                    raise
                # It was done, and its process killed before it could note so.
            _note_done(backend, migration, number + 1)
        else:
            _patiently(backend, apply, migration, timeout)
    with backend.transaction():
        backend.execute(f"DELETE FROM {STEPS} WHERE migration = :name", {"name": migration.id})
        _note_applied(backend, migration)


def _apply_by_itself(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    built = BUILT.search(statement)
    if built and connection.execute(INVALID, [built[1]]).fetchone() == (True,):
        # A build that was cut short leaves an index that only costs, and that IF NOT EXISTS would take for one.
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(built[1])))
    connection.execute(statement.encode())  # bytes: as it stands


@contextmanager
def _short_waits(backend: "DatabaseBackend", maintained: Sequence[str]) -> Iterator[None]:
    """A transaction that asks for each lock for LOCK_SECONDS at most, once it has kept vacuum off these tables."""
    with backend.transaction():
        backend.execute(f"SET LOCAL lock_timeout = {round(MAINTENANCE_SECONDS * 1000)}")
        for table in maintained:  # a lock that no reader or writer conflicts with, nor queues behind
            backend.connection.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE".encode())
        backend.execute(f"SET LOCAL lock_timeout = {round(LOCK_SECONDS * 1000)}")
        yield


def _patiently(backend: "DatabaseBackend", apply: Callable[[], None], migration: "Migration", timeout: float) -> None:
    """Try until the locks can be had. Raises MigrationError when they cannot for `timeout` seconds."""
    deadline = time.monotonic() + timeout
    maintained: list[str] = []
    while True:
        try:
            with _short_waits(backend, maintained):
                apply()
            return
        except (pg.LockNotAvailable, pg.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise MigrationError(
                    f"{migration.id} cannot have a lock that another transaction holds: {str(error).strip()}. "
                    "`flask doctor` names transactions that stay open"
                ) from error
            log.info("migration waits for a lock", extra={"migration": migration.id, "reason": str(error).strip()})
            maintained = [row[0] for row in backend.connection.execute(MAINTAINED)]
        time.sleep(PAUSE_SECONDS * random.uniform(1, 2))


def _note_done(backend: "DatabaseBackend", migration: "Migration", done: int) -> None:
    backend.execute(
        f"INSERT INTO {STEPS} (migration, done) VALUES (:name, :done) "
        "ON CONFLICT (migration) DO UPDATE SET done = EXCLUDED.done",
        {"name": migration.id, "done": done},
    )


def _note_applied(backend: "DatabaseBackend", migration: "Migration") -> None:
    backend.mark_one(migration, log=False)
    backend.execute(
        f"INSERT INTO {NOTES} (migration, sha256) VALUES (:name, :sha256)",
        {"name": migration.id, "sha256": _checksum(migration)},
    )


def _checksum(migration: "Migration") -> str:
    return hashlib.sha256(Path(migration.path).read_bytes()).hexdigest()


def _backend(database_url: str) -> "DatabaseBackend":
    import yoyo

    # yoyo reads addresses of its own kind only; everything that libpq understands fits into one's query.
    return yoyo.get_backend(f"postgresql+psycopg://?{urlencode(conninfo_to_dict(database_url))}")


@contextmanager
def _only_one(database_url: str, timeout: float) -> Iterator[None]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        deadline = time.monotonic() + timeout
        # Asked again and again, not waited for: a waiting statement would hold up CREATE INDEX CONCURRENTLY.
        while connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID]).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise MigrationError("another process is migrating this database and does not finish")
            time.sleep(0.1)
        yield
