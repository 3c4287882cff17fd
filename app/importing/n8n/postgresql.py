"""Reads n8n's own PostgreSQL, all of it as of one moment and one row of run data at a time."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.datetime import TimestamptzLoader

from app.importing.n8n import bounds
from app.importing.n8n.counted_connection import CountedConnection, complaint
from app.importing.n8n.files_of_runs import FileTooLarge, RunFiles
from app.importing.n8n.known_tables import has_number, remarks_on, rows_with_keys
from app.importing.n8n.queries import NEWEST, NUMBER, brought_query, executions_query, guarded_query, has
from app.importing.n8n.rows import Row, normalise
from app.importing.n8n.sentences import Sentences
from app.importing.n8n.source import SourceError, SourceExecution
from app.importing.n8n.stored_executions import read_stored

COLUMNS = """
    SELECT c.table_name, c.column_name
      FROM information_schema.columns AS c
     WHERE c.table_schema = %s AND c.table_name LIKE %s
       AND has_column_privilege(format('%%I.%%I', c.table_schema, c.table_name), c.column_name, 'SELECT')
     LIMIT 100000
"""
"""What may be read: somebody may have kept a column of secrets back."""

GRANT = sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO ...")
"""What lets a role read all of them: advice, which nothing runs."""

HIDDEN = """
    SELECT c.relname AS table_name
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relname LIKE %s AND c.relkind IN ('r', 'p', 'v')
       AND NOT has_any_column_privilege(c.oid, 'SELECT')
     LIMIT 100000
"""
"""Tables that are there, and of which nothing may be read."""

FILE = sql.SQL(
    """
    SELECT CASE WHEN octet_length(b.data) <= %s THEN b.data END AS data
      FROM {} AS b
     WHERE b."fileId"::text = %s
"""
)

# What is read is read for as long as the move takes.
NO_TIMEOUTS = """
    SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)
"""

CONNECT_SECONDS = 10
NOT_AS_ASKED = (AttributeError, LookupError, TypeError, ValueError)
"""What an answer comes to that has other columns or values than were asked for."""


class AsText(Loader):
    """JSON is left as its text: what of it is needed is parsed later."""

    def load(self, data: Any) -> str:
        """The column's text, unparsed."""
        return bytes(data).decode(errors="replace")


NO_ADDRESS = (
    "SOURCE is no address of a PostgreSQL. It looks like postgresql://user:password@host:5432/n8n, with "
    "@ : / % in a password percent-encoded (%40 %3A %2F %25)"
)


class AnyTime(TimestamptzLoader):
    """A time, or the text of one that Python has no value for (infinity, the year 20000)."""

    def load(self, data: Any) -> Any:
        """The time; its text where Python has no value for it."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode(errors="replace")


class PostgresqlSource:
    """n8n's PostgreSQL. Raises SourceError when it cannot be reached or is none of n8n's."""

    def __init__(self, url: str, files: RunFiles, *, schema: str = "public", prefix: str = "") -> None:
        self.name = name_of(url, schema, prefix)
        self._schema, self._prefix = schema, prefix
        self._files = files
        self._url = url
        self._numbers = itertools.count()
        self._connection = connect(url, files.most_bytes)
        self._file_connection: CountedConnection | None = None
        self._columns: dict[str, set[str]] = {}
        self.remarks = Sentences()
        with self._source_errors():
            named = (schema, prefix.replace("_", r"\_") + "%")
            for row in self._connection.execute(COLUMNS, named):
                self._columns.setdefault(row["table_name"].removeprefix(prefix), set()).add(row["column_name"])
            hidden = [row["table_name"].removeprefix(prefix) for row in self._connection.execute(HIDDEN, named)]
            self._hidden = frozenset(hidden)
        if "workflow_entity" in self._hidden:
            self.close()
            raise self._may_not_read("workflow_entity")
        if "workflow_entity" not in self._columns:
            self.close()
            raise SourceError(
                f"{self.name} has no table {prefix}workflow_entity in the schema {schema}: name n8n's database, and "
                "--schema and --table-prefix when n8n was set up with DB_POSTGRESDB_SCHEMA or DB_TABLE_PREFIX"
            )
        for remark in remarks_on(self._columns, self._hidden):
            self.remarks.add(remark)

    def rows(self, table: str) -> Iterator[Row]:
        """See `Source.rows`. Read over a cursor on the server, so that other tables can be read meanwhile."""
        if table in self._columns:
            # On the server: other tables are read while this one is.
            with self._source_errors(), self._connection.cursor(name=f"rows-{next(self._numbers)}") as cursor:
                most = bounds.largest_row(table, self._files.most_bytes)
                cursor.itersize = bounds.rows_at_once(most)
                query = guarded_query(self._table(table), self._columns[table], most)
                whole = bounds.without_too_large(table, cursor.execute(query), most, self.remarks)
                yield from rows_with_keys(table, map(normalise, bounds.bounded(table, whole)), self.remarks)

    def count_executions(self) -> int | None:
        """See `Source.count_executions`; exact."""
        if not self._has_executions():
            return 0
        query = NUMBER.format(self._table("execution_entity"))
        with self._source_errors():
            row = self._connection.execute(query).fetchone()
        return None if row is None else row["n"]

    def count_brought(self) -> int | None:
        """See `Source.count_brought`; None where there is no table of executions."""
        if not self._has_executions():
            return None
        with self._source_errors():
            row = self._connection.execute(brought_query(self._columns, self._table)).fetchone()
        return None if row is None else row["n"]

    def tells_gone(self) -> bool:
        """See `Source.tells_gone`: where there is a table of executions, what is not in it is gone."""
        return has(self._columns, "execution_entity", "id")

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """See `Source.executions`; one row of run data is in memory at a time."""
        yield from self._read(sql.SQL("e.id > %s"), above)

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """See `Source.named`; one row of run data is in memory at a time."""
        yield from self._read(sql.SQL("e.id = ANY(%s)"), list(ids))

    def _read(self, condition: sql.SQL, value: object) -> Iterator[SourceExecution]:
        if not self._has_executions():
            return
        query = executions_query(self._columns, "postgresql", self._table, self._files.most_bytes, condition)
        with self._source_errors(), self._connection.cursor() as cursor:
            for row in cursor.stream(query, (value,)):
                if has_number(row, self.remarks):
                    yield read_stored(row, self._files)

    def _has_executions(self) -> bool:
        """Whether there is a table of them. Raises SourceError where it is hidden, or their data is: executions that
        came without could not be completed later."""
        for table in ("execution_entity", "execution_data"):
            if table in self._hidden:
                raise self._may_not_read(table, "; only an import with --no-executions goes without it")
        return has(self._columns, "execution_entity", "id")

    def _may_not_read(self, table: str, otherwise: str = "") -> SourceError:
        grant = GRANT.format(sql.Identifier(self._schema)).as_string()
        table = self._prefix + table
        why = f"the role of SOURCE may not read the table {table}"
        return SourceError(f"{self.name}: {why}. Let it: {grant}{otherwise}")

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """See `Source.newest`."""
        if not has(self._columns, "execution_entity", "id", "workflowId", "status"):
            return []
        query = NEWEST.format(self._table("execution_entity"), workflow_id, number)
        with self._source_errors():
            return [row["id"] for row in self._connection.execute(query)]

    def read_file(self, reference: str) -> bytes | None:
        """See `Source.read_file`. Raises FileTooLarge."""
        mode, _, name = reference.partition(":")
        if mode != "database" or "binary_data" not in self._columns:
            return self._files.read(reference)
        if self._file_connection is None:  # the other one is in the middle of the executions
            self._file_connection = connect(self._url, self._files.most_bytes)
        query = FILE.format(self._table("binary_data"))
        with self._source_errors():
            row = self._file_connection.execute(query, (self._files.most_bytes, name)).fetchone()
        if row is None:
            return None
        if row["data"] is None:
            raise FileTooLarge
        return bytes(row["data"])

    def close(self) -> None:
        """End the snapshot and close the connections."""
        self._connection.close()
        if self._file_connection is not None:
            self._file_connection.close()

    @contextmanager
    def _source_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            said = complaint(error, password_in(self._url))
            raise SourceError(f"{self.name} cannot be read to its end: {said}") from error
        except NOT_AS_ASKED as error:
            raise SourceError(f"{self.name} does not answer what it was asked: is it a PostgreSQL?") from error

    def _table(self, name: str) -> sql.Identifier:
        return sql.Identifier(self._schema, self._prefix + name)


def name_of(url: str, schema: str, prefix: str) -> str:
    """What the source is called: the same for the same tables, and without a password. Raises SourceError."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:  # its message may hold the password
        raise SourceError(NO_ADDRESS) from None
    if "@" in str(given.get("host") or "")[1:]:  # before it is a part of the password
        raise SourceError(NO_ADDRESS)
    port = str(given.get("port") or "5432")
    host = str(given.get("host") or "localhost") + ("" if port == "5432" else f":{port}")
    tables = "" if schema == "public" else f", schema {schema}"
    return f"PostgreSQL {given.get('dbname') or ''} at {host}{tables}" + (f", tables {prefix}..." if prefix else "")


def password_in(url: str) -> object:
    """The password that an address holds; None where it holds none."""
    return conninfo_to_dict(url).get("password")


def connect(url: str, most_bytes: int) -> CountedConnection:
    """A connection that sees one moment and changes nothing; data and files have `most_bytes` at most.

    Raises SourceError.
    """
    try:
        connection = CountedConnection.connect(
            url, row_factory=dict_row, connect_timeout=CONNECT_SECONDS, client_encoding="utf8"
        )
        connection.most_bytes = most_bytes
        connection.adapters.register_loader("json", AsText)
        connection.adapters.register_loader("jsonb", AsText)
        connection.adapters.register_loader("timestamptz", AnyTime)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(NO_TIMEOUTS)
    except (psycopg.Error, *NOT_AS_ASKED) as error:
        raise SourceError(f"n8n's database cannot be reached: {complaint(error, password_in(url))}") from error
    return connection
