"""What an operator wants to know of a database that serves executions."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection

SERVER = """
    SELECT current_setting('server_version_num')::int AS version,
           current_setting('server_version') AS version_text,
           clock_timestamp() AS now,
           current_setting('max_connections')::int AS max_connections,
           (SELECT count(*) FROM pg_stat_activity AS a WHERE a.backend_type = 'client backend') AS connections,
           current_setting('fsync')::boolean AS fsync,
           current_setting('transaction_read_only')::boolean AS read_only,
           current_setting('autovacuum')::boolean AS autovacuum
"""

BLOAT = """
    SELECT s.relname AS table_name, s.n_live_tup AS live, s.n_dead_tup AS dead
      FROM pg_stat_user_tables AS s
     WHERE s.relname IN ('executions', 'execution_data')
     ORDER BY s.relname
"""

# Those of autovacuum and of replication are no client's.
LONG_TRANSACTIONS = """
    SELECT a.pid, extract(epoch FROM clock_timestamp() - a.xact_start)::float AS seconds,
           coalesce(a.application_name, '') AS program, coalesce(a.state, '') AS state
      FROM pg_stat_activity AS a
     WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
       AND a.xact_start < statement_timestamp() - make_interval(secs => %(seconds)s)
     ORDER BY a.xact_start
     LIMIT 5
"""

# What is being built at this moment is not valid yet.
INVALID_INDEXES = """
    SELECT c.relname
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid
       AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
     ORDER BY c.relname
"""

# Tables that autovacuum was told to leave alone.
NEVER_VACUUMED = """
    SELECT c.relname
      FROM pg_class AS c
     WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
       AND c.reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off']
     ORDER BY c.relname
"""

# A slot that nobody reads keeps all that was written since, until the disk is full.
IDLE_SLOTS = """
    SELECT s.slot_name::text
      FROM pg_replication_slots AS s
     WHERE NOT s.active
     ORDER BY s.slot_name
"""

IDENTITY = """
    SELECT pg_postmaster_start_time() AS server_started_at, d.oid
      FROM pg_database AS d
     WHERE d.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server; `now` is its clock."""

    version: int
    version_text: str
    now: datetime
    max_connections: int
    connections: int
    fsync: bool
    read_only: bool
    autovacuum: bool


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """When the server of a database was started, and the database's number there."""

    server_started_at: datetime
    oid: int


@dataclass(frozen=True, slots=True)
class Bloat:
    """Rows of a table that are alive, and dead ones that no vacuum has taken yet, by PostgreSQL's statistics."""

    table_name: str
    live: int
    dead: int


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A client's transaction that has been open for `seconds`."""

    pid: int
    seconds: float
    program: str
    state: str


def describe_server(connection: Connection) -> Server:
    """Version, clock and settings of the server."""
    with connection.cursor(row_factory=class_row(Server)) as cursor:
        server = cursor.execute(SERVER).fetchone()
    assert server is not None
    return server


def identify_database(connection: Connection) -> DatabaseIdentity:
    """What no other database has."""
    with connection.cursor(row_factory=class_row(DatabaseIdentity)) as cursor:
        identity = cursor.execute(IDENTITY).fetchone()
    assert identity is not None
    return identity


def measure_bloat(connection: Connection) -> list[Bloat]:
    """Dead rows of the tables that change most."""
    with connection.cursor(row_factory=class_row(Bloat)) as cursor:
        return cursor.execute(BLOAT).fetchall()


def long_transactions(connection: Connection, *, seconds: float) -> list[LongTransaction]:
    """Those open for longer than that, the oldest first: vacuum cannot take what they may still see."""
    with connection.cursor(row_factory=class_row(LongTransaction)) as cursor:
        return cursor.execute(LONG_TRANSACTIONS, {"seconds": seconds}).fetchall()


def invalid_indexes(connection: Connection) -> list[str]:
    """Indexes whose building was cut short: every write pays for them and no read uses them."""
    return [name for (name,) in connection.execute(INVALID_INDEXES)]


def never_vacuumed(connection: Connection) -> list[str]:
    """Tables that autovacuum is switched off for."""
    return [name for (name,) in connection.execute(NEVER_VACUUMED)]


def idle_slots(connection: Connection) -> list[str]:
    """Replication slots that nobody reads from."""
    return [name for (name,) in connection.execute(IDLE_SLOTS)]
