"""Versions of workflows on disk: there may be millions of them, and a rehearsal needs few."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from types import TracebackType

from app.importing.n8n.definitions import OF_VERSION
from app.importing.n8n.rows import Row, read_json
from app.importing.n8n.source import SourceError
from app.importing.n8n.spool import encode_row

PAGES = 2_000
"""Of 4 KiB that SQLite keeps in memory."""


class VersionSpool:
    """What `document_of` needs of each version, by its id, in a file of SQLite that nobody else sees."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Raises SourceError, also where there is no room on the disk."""
        self._connection = sqlite3.connect("", isolation_level=None)  # a file without a name
        self._connection.execute(f"PRAGMA cache_size = {PAGES:d}")
        self._connection.execute("CREATE TABLE versions (id text PRIMARY KEY, row blob NOT NULL) WITHOUT ROWID")
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN")
                for row in rows:
                    if row.get("versionId"):
                        kept = {name: row[name] for name in OF_VERSION if name in row}
                        cursor.execute(
                            "INSERT OR REPLACE INTO versions VALUES (?, ?)", [str(row["versionId"]), encode_row(kept)]
                        )
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise SourceError(f"There is no room for the versions of workflows: {error}. Set TMPDIR") from error
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> "VersionSpool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, version_id: str) -> Row | None:
        """The version; None where there is none of that id."""
        found = self._connection.execute("SELECT row FROM versions WHERE id = ?", [version_id]).fetchone()
        return None if found is None else read_json(found[0])
