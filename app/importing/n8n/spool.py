"""Rows on disk: for sources that are read in another order than they are stored in, and do not fit into memory."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from app.importing.n8n.bounds import bounded
from app.importing.n8n.files_of_runs import RunFiles
from app.importing.n8n.known_tables import rows_with_keys
from app.importing.n8n.rows import Row, normalise, read_json
from app.importing.n8n.sentences import Sentences
from app.importing.n8n.source import SourceError, SourceExecution
from app.importing.n8n.stored_executions import read_stored

SCHEMA = """
    CREATE TABLE entities (name text NOT NULL, row blob NOT NULL);
    CREATE INDEX entities_by_name ON entities (name);
    CREATE TABLE executions (id integer PRIMARY KEY, row blob NOT NULL);
    CREATE TABLE data (id integer PRIMARY KEY, row blob NOT NULL);
    CREATE TABLE metadata (id integer NOT NULL, row blob NOT NULL);
    CREATE INDEX metadata_by_id ON metadata (id);
    CREATE TABLE annotations (id integer PRIMARY KEY, annotation integer, row blob NOT NULL);
    CREATE TABLE annotation_tags (annotation integer NOT NULL, tag text NOT NULL);
    CREATE INDEX tags_by_annotation ON annotation_tags (annotation);
"""

EXECUTIONS = """
    SELECT e.id, e.row AS row, d.row AS data,
           (SELECT json_group_array(json(m.row)) FROM metadata AS m WHERE m.id = e.id) AS metadata,
           a.row AS annotation,
           (SELECT json_group_array(t.tag) FROM annotation_tags AS t WHERE t.annotation = a.annotation) AS tags
      FROM executions AS e
      LEFT JOIN data AS d ON d.id = e.id
      LEFT JOIN annotations AS a ON a.id = e.id
     WHERE {}
     ORDER BY e.id
"""
IN_RANGE = EXECUTIONS.format("e.id > ? AND e.id <= ?")
BY_ID = EXECUTIONS.format("e.id IN (SELECT n.value FROM json_each(?) AS n)")
HIGHEST = 2**63 - 1
"""SQLite has no higher id."""

DROP = (
    "DELETE FROM executions WHERE id BETWEEN ? AND ?",
    "DELETE FROM data WHERE id BETWEEN ? AND ?",
    "DELETE FROM metadata WHERE id BETWEEN ? AND ?",
)

NEWEST = """
    SELECT e.id
      FROM executions AS e
     WHERE e.row ->> 'workflowId' = ? AND e.row ->> 'status' = 'success'
     ORDER BY e.id DESC
     LIMIT ?
"""


class Spool:
    """A file without a name with the rows of n8n's tables. Yields them as a Source does."""

    name = "spool"

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self.remarks = Sentences()
        handle, path = tempfile.mkstemp(prefix="executions-import-", suffix=".sqlite")
        os.close(handle)
        self._path = Path(path)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # Nobody else reads the file, and nobody reads it again.
        self._connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        self._connection.execute("BEGIN")
        self._path.unlink()  # it is open: its room is free again however this process ends

    def add(self, table: str, row: Row) -> None:
        """Keep a row of one of n8n's tables; one whose ids are none is passed over, and `remarks` say so.

        Raises SourceError where there is no room for it.
        """
        if not isinstance(row, dict):
            self.remark(f"Rows of n8n's table {table} that are no objects were passed over.")
            return
        try:
            self._insert(table, row)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.OperationalError):  # its disk is full
                folder = self._path.parent
                said = f"{folder} has no room for what is read: {error}. Make room, or set TMPDIR"
                raise SourceError(said) from error
            self.remark(f"Rows of n8n's table {table} whose ids are none were passed over.")

    def remark(self, remark: str) -> None:
        """Note a sentence about what was passed over, once."""
        self.remarks.add(remark)

    def _insert(self, table: str, row: Row) -> None:
        content = encode_row(row)
        match table:
            case "execution_entity":
                self._execute("INSERT OR REPLACE INTO executions VALUES (?, ?)", int(row["id"]), content.decode())
            case "execution_data":
                self._execute("INSERT OR REPLACE INTO data VALUES (?, ?)", int(row["executionId"]), content)
            case "execution_metadata":
                self._execute("INSERT INTO metadata VALUES (?, ?)", int(row["executionId"]), content.decode())
            case "execution_annotations":
                put = "INSERT OR REPLACE INTO annotations VALUES (?, ?, ?)"
                self._execute(put, int(row["executionId"]), row.get("id"), content)
            case "execution_annotation_tags":
                self._execute("INSERT INTO annotation_tags VALUES (?, ?)", row["annotationId"], row["tagId"])
            case _:
                self._execute("INSERT INTO entities VALUES (?, ?)", table, content)

    def _execute(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement, values)

    def rows(self, table: str) -> Iterator[Row]:
        """See `Source.rows`; in the order in which they were added."""
        table_rows = self._connection.execute("SELECT row FROM entities WHERE name = ?", (table,))
        rows = (read_json(row["row"]) for row in bounded(table, map(dict, table_rows)))
        yield from rows_with_keys(table, map(normalise, rows), self.remarks)

    def count_executions(self) -> int | None:
        """See `Source.count_executions`; exact."""
        return int(self._connection.execute("SELECT count(*) FROM executions").fetchone()[0])

    def count_brought(self) -> int | None:
        """See `Source.count_brought`: always None."""
        return None

    def tells_gone(self) -> bool:
        """See `Source.tells_gone`: true once any execution was added."""
        return bool(self.count_executions())

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """See `Source.executions`."""
        yield from self.executions_up_to(HIGHEST, above)

    def executions_up_to(self, highest: int, above: int) -> Iterator[SourceExecution]:
        """The same without those of a higher id than the `highest`."""
        yield from self._select(IN_RANGE, above, highest)

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """See `Source.named`."""
        yield from self._select(BY_ID, orjson.dumps(list(ids)).decode())

    def _select(self, query: str, *values: Any) -> Iterator[SourceExecution]:
        for row in self._connection.execute(query, values):
            yield self._execution(row)

    def drop(self, lowest: int, highest: int) -> None:
        """Forget the executions from one id up to another: their room is taken by others."""
        for statement in DROP:
            self._execute(statement, lowest, highest)

    def _execution(self, row: sqlite3.Row) -> SourceExecution:
        entity, data = read_json(row["row"]), read_json(row["data"] or b"{}")
        annotation = read_json(row["annotation"] or b"{}")
        execution = read_stored(
            {
                **entity,
                "flatted": data.get("data"),
                "flatted_bytes": data.get("flatted_bytes"),
                "ran": data.get("workflowData"),
                "metadata": [[each.get("key"), each.get("value")] for each in read_json(row["metadata"])],
                "vote": annotation.get("vote"),
                "note": annotation.get("note"),
                "tags": row["tags"],
            },
            self._files,
        )
        if "document" in data:
            execution.document, execution.missing = data["document"], None
            execution.document_bytes = len(row["data"])
        if data.get("missing") is not None:
            execution.missing = data["missing"]
        return execution

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """See `Source.newest`."""
        rows = self._connection.execute(NEWEST, (workflow_id, number))
        return [row["id"] for row in rows]

    def read_file(self, reference: str) -> bytes | None:
        """See `Source.read_file`: from the folders of files alone."""
        return self._files.read(reference)

    def close(self) -> None:
        """Close the file, which has no name: its room on disk is free then."""
        self._connection.close()


def encode_row(row: Row) -> bytes:
    """The row as JSON."""
    try:
        return orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half of a surrogate pair
        return json.dumps(row, default=str).encode()
