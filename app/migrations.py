"""Applies the numbered migrations of sql/ to a database.

Any number of processes may do so at once: one works, the others wait for it. A migration and the note that it
was applied are one transaction, so a killed process leaves either both or neither.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import yoyo
from psycopg.conninfo import conninfo_to_dict
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration

MIGRATIONS = Path(__file__).resolve().parent.parent / "sql"

LOCK_ID = 0x65786563
"""Key of the advisory lock that a migrating process holds."""

NOTES = "migration_checksums"
"""Table of what was applied, with its content's SHA-256: yoyo itself does not notice an edited migration."""


class MigrationError(Exception):
    """The database and the migrations do not fit together."""


def migrate(database_url: str, *, migrations: Path = MIGRATIONS, timeout: float = 300.0) -> list[str]:
    """Apply what is missing, in order, and return the names of what was applied.

    Waits up to `timeout` seconds for another process that migrates the same database.

    Raises MigrationError when an applied migration was edited since or is gone, or when the other process
    does not finish, and psycopg.Error for what the database refuses.
    """
    with _only_one(database_url, timeout), _backend(database_url) as backend:
        # Whoever holds the advisory lock is alone, so a row in yoyo's own lock is a killed process's.
        backend.break_lock()
        backend.ensure_internal_schema_updated()
        backend.execute(f"CREATE TABLE IF NOT EXISTS {NOTES} (migration text PRIMARY KEY, sha256 text NOT NULL)")
        missing = _missing(backend, list(yoyo.read_migrations(str(migrations))))
        for migration in missing:
            _apply(backend, migration)
        return [migration.id for migration in missing]


def pending(connection: psycopg.Connection[tuple[object, ...]], *, migrations: Path = MIGRATIONS) -> list[str]:
    """Names of the migrations that the database still lacks; all of them for an empty database."""
    names = sorted(path.stem for path in migrations.glob("*.sql") if not path.name.endswith(".rollback.sql"))
    found = connection.execute("SELECT to_regclass('migration_checksums') IS NOT NULL").fetchone()
    if found != (True,):
        return names
    applied = {row[0] for row in connection.execute("SELECT migration FROM migration_checksums")}
    return [name for name in names if name not in applied]


def _missing(backend: DatabaseBackend, known: list[Migration]) -> list[Migration]:
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


def _apply(backend: DatabaseBackend, migration: Migration) -> None:
    migration.load()
    if migration.use_transactions:
        with backend.transaction():
            migration.process_steps(backend, "apply")
            _note_applied(backend, migration)
    else:
        migration.process_steps(backend, "apply")
        with backend.transaction():
            _note_applied(backend, migration)


def _note_applied(backend: DatabaseBackend, migration: Migration) -> None:
    backend.mark_one(migration, log=False)
    backend.execute(
        f"INSERT INTO {NOTES} (migration, sha256) VALUES (:name, :sha256)",
        {"name": migration.id, "sha256": _checksum(migration)},
    )


def _checksum(migration: Migration) -> str:
    return hashlib.sha256(Path(migration.path).read_bytes()).hexdigest()


def _backend(database_url: str) -> DatabaseBackend:
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
