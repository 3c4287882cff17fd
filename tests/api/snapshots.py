"""What a test's database holds, kept to be put back: calls that make it take a hundred times as long."""

from dataclasses import dataclass

from psycopg import sql

from app.repository.connection import Connection

TABLES = """
    SELECT relname
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind = 'r'
       AND relname !~ 'yoyo|migration'
       AND pg_relation_size(oid) > 0
"""
COUNTED = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


@dataclass(frozen=True)
class Snapshot:
    """The rows of each table, as COPY writes them, and how far each sequence has counted."""

    rows: dict[str, bytes]
    counted: dict[str, int]


def take(connection: Connection) -> Snapshot:
    """All that has been committed. Ends the transaction."""
    rows = {}
    for (name,) in connection.execute(TABLES).fetchall():
        with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
            rows[name] = b"".join(copy)
    counted = dict(connection.execute(COUNTED).fetchall())
    connection.rollback()
    return Snapshot(rows, counted)


def put_back(connection: Connection, snapshot: Snapshot) -> None:
    """Let a database with nothing that the snapshot's tables do not hold be as it was. Commits."""
    connection.execute("SET LOCAL session_replication_role = replica")
    for name, rows in snapshot.rows.items():
        table = sql.Identifier(name)
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
        with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
            copy.write(rows)
    for name, value in snapshot.counted.items():
        connection.execute("SELECT setval(quote_ident(%s), %s)", [name, value])
    connection.commit()
