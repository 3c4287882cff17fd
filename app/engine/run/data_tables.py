"""What the Data Table node asks of whoever keeps the tables of its project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]


class DataTableRefused(Exception):
    """A table is not there, or cannot take what it was given. The message is fit for the workflow's author."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows, and where the others go on (None: there are no others)."""

    rows: list[Json]
    following: Any = None


class DataTables(Protocol):
    """The tables of one project, by their ids. Every method raises DataTableRefused.

    A filter is {"type": "and" or "or", "filters": [{"columnName", "condition", "value"}]}, rows are by the names of
    columns. `zone` names the time zone of dates that say none.
    """

    async def find(self, name: str) -> str | None:
        """The id of the table that is called so, or that comes closest; None when there is none."""

    async def columns(self, table_id: str) -> dict[str, str]:
        """The types of the columns by their names: string, number, boolean or date."""

    async def read(
        self, table_id: str, wanted: Json, *, zone: str, sort: tuple[str, bool] | None, limit: int, after: Any = None
    ) -> RowPage:
        """At most `limit` rows; `sort` is a column and whether it descends."""

    async def insert(self, table_id: str, rows: Sequence[Mapping[str, Any]], *, zone: str) -> list[Json]:
        """Add rows, all or none of them."""

    async def update(
        self, table_id: str, wanted: Json, row: Mapping[str, Any], *, zone: str, dry_run: bool
    ) -> list[Json]:
        """Change the rows that are meant; a dry run only tells how they would be before and after."""

    async def upsert(
        self, table_id: str, wanted: Json, row: Mapping[str, Any], *, zone: str, dry_run: bool
    ) -> list[Json]:
        """The same, but add a row where none is meant."""

    async def delete(self, table_id: str, wanted: Json, *, zone: str, dry_run: bool) -> list[Json]:
        """Delete the rows that are meant."""

    async def clear(self, table_id: str) -> int:
        """Delete all rows; returns how many there were."""

    async def list(self, *, name: str | None, sort: tuple[str, bool] | None, limit: int | None) -> list[Json]:
        """Tables with this text in their names."""

    async def create(self, name: str, columns: Sequence[tuple[str, str]]) -> Json:
        """Make a table with columns (name, type)."""

    async def rename(self, table_id: str, name: str) -> None:
        """Give a table another name."""

    async def drop(self, table_id: str) -> None:
        """Delete a table."""
