"""What the importer asks of a source, whatever it is: rows of n8n's tables, and executions by their ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, Protocol

from app.importing.n8n.rows import Row
from app.importing.n8n.sentences import Sentences

MAX_MIGRATIONS = 10_000
"""n8n has made some hundreds."""


class Wanted(Enum):
    """What of the executions is wanted: a source that is slow to ask gives no more."""

    ALL = "all"
    NUMBER = "how many there are"
    NEWEST = "the newest of each workflow"
    NONE = "nothing"


class SourceError(Exception):
    """The source cannot be read; the message says what to do."""


@dataclass(slots=True)
class SourceExecution:
    """An execution as n8n has it.

    `row` is its row of `execution_entity`. Of its data one is there: `flatted` as the database has it, `document`
    as the API gives it (of about `document_bytes` as JSON), or neither, where `missing` says why. `workflow` is the
    workflow that ran, where its version is not in the history. `metadata` holds pairs of key and value, `tags` ids
    of annotation tags.
    """

    row: Row
    flatted: str | None = None
    document: Any = None
    document_bytes: int = 0
    missing: str | None = None
    workflow: Any = None
    metadata: Sequence[tuple[str, str]] = ()
    vote: str | None = None
    note: str | None = None
    tags: Sequence[str] = field(default_factory=tuple)

    @property
    def id(self) -> int:
        """n8n's number of it, which it keeps here."""
        return int(self.row["id"])


class Source(Protocol):
    """A place that workflows and executions come from. It is read only, and as of one moment where it can be."""

    name: str
    """What it is, for people; without a password."""

    remarks: Sentences
    """What it has not got, or was passed over while it was read: sentences."""

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of one of n8n's tables; none when the source has no such table. Raises SourceError."""

    def count_executions(self) -> int | None:
        """About how many executions there are; None where that is not known."""

    def count_brought(self) -> int | None:
        """How many executions would come if none were here; None where that is not known."""

    def tells_gone(self) -> bool:
        """Whether an execution that is asked for by its id and does not come is there no longer."""

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """Those with a higher id, oldest first. Raises SourceError."""

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """Those of these ids that are there, oldest first; before `executions` is called. Raises SourceError."""

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """The ids of the newest `number` executions of a workflow that succeeded."""

    def read_file(self, reference: str) -> bytes | None:
        """The bytes of a file that run data refers to (`filesystem-v2:...`, `database:...`); None: not to be had."""

    def close(self) -> None:
        """Let go of everything; the source is not used afterwards."""


def migrations(source: Source) -> list[Row]:
    """The migrations that n8n has made; of a table without an end, its beginning."""
    return list(islice(source.rows("migrations"), MAX_MIGRATIONS))


def newest_migration(source: Source) -> str | None:
    """The name of the last migration that n8n has made; None where the source does not say."""
    rows = [row for row in migrations(source) if row.get("name")]
    return max(rows, key=_timestamp)["name"] if rows else None


def _timestamp(row: Row) -> int:
    text = str(row.get("timestamp"))
    return int(text) if text.isdecimal() else 0
