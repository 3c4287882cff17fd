"""A savepoint for each row: what PostgreSQL refuses is left out and reported, and the other rows are stored."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from app.importing.n8n.report import Report
from app.repository.connection import Connection

REFUSED = (pg.IntegrityError, psycopg.DataError, pg.ProgramLimitExceeded)
"""What PostgreSQL says of one odd value; the last of one that is too long for an index."""


@contextmanager
def kept_apart(connection: Connection, report: Report, kind: str, name: str) -> Iterator[None]:
    """Undo what the block has stored, and note it, where PostgreSQL refuses a value of it.

    `kind` as the report counts it, `name` as people know the thing. Nothing of that unless the report is of a
    careful pass: what PostgreSQL refuses then ends the transaction.
    """
    if not report.careful:
        yield
        return
    try:
        with connection.transaction():
            yield
    except REFUSED as error:
        report.count(kind, "that cannot be kept")
        report.note(f"{name:.200} stays behind: PostgreSQL refuses it ({error.diag.message_primary or error}).")
