"""How long the lists of a source may be, and how large their rows. More than that comes from no n8n, or has no end."""

from collections.abc import Iterable, Iterator

from app.importing.n8n.known_tables import MAX_NAMED
from app.importing.n8n.rows import Row
from app.importing.n8n.sentences import Sentences
from app.importing.n8n.source import SourceError

MAX_ROWS = 100_000
MAX_BYTES = 64 * 2**20
"""Of a list that is kept in memory."""
MAX_ROWS_PASSED = 10_000_000
MAX_BYTES_PASSED = 64 * 2**30
"""Of one whose rows go on to this program's own tables one by one."""
MAX_SMALL_ROW = 2**20
"""Bytes of a row in which nobody writes a program or keeps data."""
AT_ONCE_BYTES = 32 * 2**20
"""What may come of a list with one question."""
MAX_AT_ONCE = 50

LINKS = frozenset({"shared_credentials", "shared_workflow", "webhook_entity", "workflows_tags"})
"""Of which a few ids are kept of each row."""
MAX_LINKS = 500_000
PASSED = frozenset({"processed_data", "workflow_history"})
LARGE = frozenset({"workflow_entity", "workflow_history", "processed_data"})
OWN_ROWS = "data_table_user_"

SIZE = "size of the row"
"""A column in which the beginning of a row's id comes where the row itself is too large to come."""


def is_passed(table: str) -> bool:
    """Whether the rows of a table are not kept in memory."""
    return table in PASSED or table.startswith(OWN_ROWS)


def largest_row(table: str, most_bytes: int) -> int:
    """Bytes that a row of the table may have, where data may have `most_bytes`."""
    return most_bytes if table in LARGE or table.startswith(OWN_ROWS) else MAX_SMALL_ROW


def rows_at_once(largest: int) -> int:
    """How many rows are asked for at once."""
    return max(1, min(MAX_AT_ONCE, AT_ONCE_BYTES // largest))


def bounded(table: str, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows as the source gives them. Raises SourceError at what is too long to be a list of n8n's."""
    passed, kept_whole = is_passed(table), table != "workflow_entity"
    most_rows = MAX_ROWS_PASSED if passed else MAX_LINKS if table in LINKS else MAX_ROWS
    most_bytes = MAX_BYTES if kept_whole and not passed else MAX_BYTES_PASSED
    size = 0
    for number, row in enumerate(rows, 1):
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if number > most_rows or size > most_bytes:
            said = f"{most_rows:,} rows" if number > most_rows else f"{most_bytes:,} bytes"
            raise SourceError(f"n8n's table {table} has more than {said}: nothing was brought")
        yield row


def without_too_large(table: str, rows: Iterable[Row], most: int, remarks: Sentences) -> Iterator[Row]:
    """What of the answer to a guarded query are rows; which others were passed over is added to `remarks`."""
    for row in rows:
        own = row.pop(SIZE)
        if own is None:
            yield row
        else:
            rest = f"Rows of n8n's table {table} of more than {most:,} bytes were passed over."
            said = f"The row {own!r} of n8n's table {table} was passed over: it has more than {most:,} bytes."
            remarks.add_some(said if own else rest, rest, MAX_NAMED)
