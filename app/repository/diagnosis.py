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
           current_setting('autovacuum')::boolean AS autovacuum
"""

BLOAT = """
    SELECT s.relname AS table_name, s.n_live_tup AS live, s.n_dead_tup AS dead
      FROM pg_stat_user_tables AS s
     WHERE s.relname IN ('executions', 'execution_data')
     ORDER BY s.relname
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
    autovacuum: bool


@dataclass(frozen=True, slots=True)
class Bloat:
    """Rows of a table that are alive, and dead ones that no vacuum has taken yet, by PostgreSQL's statistics."""

    table_name: str
    live: int
    dead: int


def describe_server(connection: Connection) -> Server:
    """Version, clock and settings of the server."""
    with connection.cursor(row_factory=class_row(Server)) as cursor:
        server = cursor.execute(SERVER).fetchone()
    assert server is not None
    return server


def measure_bloat(connection: Connection) -> list[Bloat]:
    """Dead rows of the tables that change most."""
    with connection.cursor(row_factory=class_row(Bloat)) as cursor:
        return cursor.execute(BLOAT).fetchall()
