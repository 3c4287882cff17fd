"""Reads the SQLite file of an n8n, which may go on running.

All of it is read as of one moment, unless the file has no write-ahead log: then whoever reads keeps n8n from writing,
and it is read in pieces that take no time.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from psycopg import sql

from app.importing.n8n.bounds import bounded
from app.importing.n8n.files_of_runs import FileTooLarge, RunFiles
from app.importing.n8n.known_tables import has_number, remarks_on, rows_with_keys
from app.importing.n8n.queries import NEWEST, NUMBER, brought_query, executions_query, has
from app.importing.n8n.rows import Row, normalise
from app.importing.n8n.sentences import Sentences
from app.importing.n8n.source import SourceError, SourceExecution
from app.importing.n8n.stored_executions import read_stored

MAX_NAMED = 500
"""Ids in one statement: SQLite bounds the number of parameters."""

ROWS_IN_PIECE = 20
IDS_IN_PIECE = 500
IN_PIECES = (
    "n8n's SQLite file has no write-ahead log (n8n before 2.0, without DB_SQLITE_POOL_SIZE): it is read piece by "
    "piece, so that n8n can write meanwhile. What changes there during an import may come with the next one only."
)
BEFORE_ALL = -(2**63)
"""A rowid that is no row's."""

JOURNAL = "PRAGMA journal_mode"
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
COLUMNS = "SELECT name FROM pragma_table_info(?)"
ROWS = sql.SQL("SELECT * FROM {}")
PIECE = sql.SQL('SELECT rowid AS "its place", * FROM {} WHERE rowid > ? ORDER BY rowid LIMIT {}')
IDS = sql.SQL("SELECT e.id AS id FROM {} AS e WHERE e.id > ? ORDER BY e.id LIMIT {}")
FILE = sql.SQL('SELECT length(data) AS size, rowid AS place FROM {} WHERE "fileId" = ?')
PARAMETER = sql.SQL("?")

UTF8 = partial(str, encoding="utf-8", errors="replace")
"""A damaged text must not keep its row back."""


class SqliteSource:
    """n8n's SQLite file. Raises SourceError when it cannot be read or is none of n8n's."""

    def __init__(self, path: Path, files: RunFiles, *, prefix: str = "") -> None:
        self.name = f"SQLite file {path.resolve()}"
        self._prefix, self._files = prefix, files
        try:
            self._connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=30)
            self._connection.row_factory = sqlite3.Row
            self._connection.isolation_level = None
            self._connection.text_factory = UTF8
            self._in_pieces = self._connection.execute(JOURNAL).fetchone()[0] != "wal"
            if not self._in_pieces:
                self._connection.execute("BEGIN")
            tables = [row["name"] for row in self._connection.execute(TABLES)]
            self._columns = {
                name.removeprefix(prefix): [row["name"] for row in self._connection.execute(COLUMNS, (name,))]
                for name in tables
                if isinstance(name, str) and name.startswith(prefix)
            }
        # sqlite3 itself decodes what SQLite says of names that are no text.
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise SourceError(f"{path} cannot be read as n8n's database: {error}") from error
        if "workflow_entity" not in self._columns:
            self.close()
            raise SourceError(f"{path} has no table {prefix}workflow_entity: it is not the database of an n8n")
        self.remarks = Sentences()
        for remark in remarks_on(self._columns):
            self.remarks.add(remark)
        if self._in_pieces:
            self.remarks.add(IN_PIECES)

    def rows(self, table: str) -> Iterator[Row]:
        """See `Source.rows`; piece by piece where the file has no write-ahead log."""
        if table in self._columns:
            with self._source_errors():
                table_rows = self._pieces(table) if self._in_pieces else self._execute(ROWS.format(self._table(table)))
                rows = bounded(table, map(dict, table_rows))
                yield from rows_with_keys(table, map(normalise, rows), self.remarks)

    def _pieces(self, table: str) -> Iterator[Row]:
        """The rows of a table; between two pieces nothing is locked."""
        query, last = PIECE.format(self._table(table), sql.Literal(ROWS_IN_PIECE)), BEFORE_ALL
        while piece := [dict(row) for row in self._execute(query, [last])]:
            for row in piece:
                last = row.pop("its place")
                yield row

    def count_executions(self) -> int | None:
        """See `Source.count_executions`; exact."""
        if not has(self._columns, "execution_entity", "id"):
            return 0
        with self._source_errors():
            return int(self._execute(NUMBER.format(self._table("execution_entity"))).fetchone()["n"])

    def count_brought(self) -> int | None:
        """See `Source.count_brought`; None where there is no table of executions."""
        if not has(self._columns, "execution_entity", "id"):
            return None
        with self._source_errors():
            return int(self._execute(brought_query(self._columns, self._table)).fetchone()["n"])

    def tells_gone(self) -> bool:
        """See `Source.tells_gone`: where there is a table of executions, what is not in it is gone."""
        return has(self._columns, "execution_entity", "id")

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """See `Source.executions`."""
        if not has(self._columns, "execution_entity", "id"):
            return
        if self._in_pieces:
            yield from self._read_all_above(above)
        else:
            yield from self._read(sql.SQL("e.id > ?"), [above])

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """See `Source.named`."""
        if not has(self._columns, "execution_entity", "id"):
            return
        ids = sorted(ids)
        for start in range(0, len(ids), MAX_NAMED):
            named = ids[start : start + MAX_NAMED]
            if self._in_pieces:
                yield from self._read_one_by_one(named)
            else:
                places = sql.SQL(", ").join([PARAMETER] * len(named))
                yield from self._read(sql.SQL("e.id IN ({})").format(places), named)

    def _read_all_above(self, above: int) -> Iterator[SourceExecution]:
        query = IDS.format(self._table("execution_entity"), sql.Literal(IDS_IN_PIECE))
        while True:
            with self._source_errors():
                ids = [row["id"] for row in self._execute(query, [above])]
            if not ids:
                return
            yield from self._read_one_by_one(ids)
            above = ids[-1]

    def _read_one_by_one(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """Nothing is locked while what becomes of one of them is seen to."""
        for number in ids:
            yield from list(self._read(sql.SQL("e.id = ?"), [number]))

    def _read(self, condition: sql.Composable, parameters: Sequence[int]) -> Iterator[SourceExecution]:
        query = executions_query(self._columns, "sqlite", self._table, self._files.most_bytes, condition)
        with self._source_errors():
            for row in map(dict, self._execute(query, parameters)):
                if not has_number(row, self.remarks):
                    continue
                if (place := row.pop("place", None)) is not None:
                    row |= self._data(place)
                yield read_stored(row, self._files)

    def _data(self, place: int) -> Row:
        """The run data in a row, and its size; only the size of what is too large. No more than that is read."""
        name = self._prefix + "execution_data"
        try:
            with self._connection.blobopen(name, "data", place, readonly=True) as data:
                size = len(data)
                return {"flatted_bytes": size, "flatted": UTF8(data.read()) if size <= self._files.most_bytes else None}
        except sqlite3.OperationalError:  # it is no text: null, or a number
            return {}

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """See `Source.newest`."""
        if not has(self._columns, "execution_entity", "id", "workflowId", "status"):
            return []
        query = NEWEST.format(self._table("execution_entity"), PARAMETER, PARAMETER)
        with self._source_errors():
            return [row["id"] for row in self._execute(query, (workflow_id, number))]

    def read_file(self, reference: str) -> bytes | None:
        """See `Source.read_file`. Raises FileTooLarge."""
        mode, _, name = reference.partition(":")
        if mode != "database" or "binary_data" not in self._columns:
            return self._files.read(reference)
        with self._source_errors():
            row = self._execute(FILE.format(self._table("binary_data")), (name,)).fetchone()
            if row is None:
                return None
            if row["size"] > self._files.most_bytes:
                raise FileTooLarge
            with self._connection.blobopen(self._prefix + "binary_data", "data", row["place"], readonly=True) as data:
                return data.read()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _source_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SourceError(f"{self.name} cannot be read to its end: {error}") from error

    def _execute(self, query: sql.Composed, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        # Names are quoted the same way in PostgreSQL and SQLite.
        return self._connection.execute(query.as_string(None), parameters)

    def _table(self, name: str) -> sql.Identifier:
        return sql.Identifier(self._prefix + name)
