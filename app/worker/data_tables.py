"""The data tables of a project, as the nodes of an execution ask for them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from functools import partial
from typing import Any, TypeVar

from app.data_tables import tables
from app.data_tables.errors import InvalidData
from app.data_tables.filters import row_filter
from app.engine.run.data_tables import DataTableRefused, RowPage
from app.notation import find_zone
from app.repository import data_table_rows, data_tables, projects
from app.repository.connection import Connection
from app.repository.data_table_conditions import KEYS
from app.repository.data_tables import DataTable, TableFilter
from app.repository.errors import AlreadyExists, DataTableNotFound, RepositoryError
from app.repository.keysets import Order, Place
from app.worker.database import Database
from app.worker.keyed_locks import KeyedLocks

T = TypeVar("T")
Json = dict[str, Any]
AT_ONCE = 2
"""Transactions with tables that may run at the same time: half of what a worker's threads can do."""
MAX_ROWS = 100_000
"""Rows that a change hands out at most; reading goes on page by page."""


class DataTableStores:
    """The tables that executions on this worker may ask for; `most_bytes` is what those of a project may take.

    Of a project one execution at a time asks, and few of all: the others must not wait for threads that wait for a
    table.
    """

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self._locks = KeyedLocks()
        self._places = asyncio.Semaphore(AT_ONCE)

    def of_project(self, project_id: str) -> "ProjectDataTables":
        """The tables of a project; executions of the same project take turns."""
        return ProjectDataTables(
            self._database, project_id, self._most_bytes, partial(self._locks.get, project_id), self._places
        )


class ProjectDataTables:
    """See app.engine.run.data_tables.DataTables. Each method is one transaction."""

    def __init__(
        self,
        database: Database,
        project_id: str,
        most_bytes: int,
        turn: Callable[[], asyncio.Lock],
        places: asyncio.Semaphore,
    ) -> None:
        self._database = database
        self._project_id = project_id
        self._most_bytes = most_bytes
        self._turn = turn
        self._places = places

    async def find(self, name: str) -> str | None:
        """See `DataTables.find`."""
        return await self._ask(lambda connection: data_tables.find_table(connection, self._project_id, name))

    async def columns(self, table_id: str) -> dict[str, str]:
        """See `DataTables.columns`."""
        table = await self._ask(lambda connection: self._get(connection, table_id))
        return {column.name: column.type for column in table.columns}

    async def read(
        self, table_id: str, wanted: Json, *, zone: str, sort: tuple[str, bool] | None, limit: int, after: Any = None
    ) -> RowPage:
        """See `DataTables.read`; `after` is the `following` of the page before."""

        def read(connection: Connection) -> RowPage:
            table = self._get(connection, table_id)
            order = order_of(table, sort)
            rows = data_table_rows.list_rows(
                connection,
                table.id,
                row_filter(table, wanted, zone_of(zone)),
                limit=limit + 1,
                order=order,
                after=after,
            )
            page = rows[:limit]
            following = None
            if len(rows) > limit:
                times = {"createdAt": page[-1].created_at, "updatedAt": page[-1].updated_at}
                following = Place(page[-1].id, times.get(order.by, page[-1].cells.get(order.by)))
            return RowPage(tables.show_rows(table, page), following)

        return await self._ask(read)

    async def insert(self, table_id: str, rows: Sequence[Mapping[str, Any]], *, zone: str) -> list[Json]:
        """See `DataTables.insert`; refuses what would take the project beyond its bound."""

        def insert(connection: Connection) -> list[Json]:
            table = self._lock(connection, table_id)
            made = tables.insert(connection, table, rows, most_bytes=self._most_bytes, zone=zone_of(zone))
            return tables.show_rows(table, made)

        return await self._ask(insert)

    async def update(
        self, table_id: str, wanted: Json, row: Mapping[str, Any], *, zone: str, dry_run: bool
    ) -> list[Json]:
        """See `DataTables.update`."""
        change = tables.try_update if dry_run else self._and_show(tables.update)
        return await self._change(table_id, wanted, row, zone_of(zone), change)

    async def upsert(
        self, table_id: str, wanted: Json, row: Mapping[str, Any], *, zone: str, dry_run: bool
    ) -> list[Json]:
        """See `DataTables.upsert`."""
        change = tables.try_upsert if dry_run else self._and_show(tables.upsert)
        return await self._change(table_id, wanted, row, zone_of(zone), change)

    async def _change(
        self, table_id: str, wanted: Json, row: Mapping[str, Any], zone: tzinfo, change: tables.TryChange
    ) -> list[Json]:
        def work(connection: Connection) -> list[Json]:
            table = self._lock(connection, table_id)
            asked = tables.Change(row_filter(table, wanted, zone), row, MAX_ROWS, zone)
            return change(connection, table, asked)

        return await self._ask(work)

    def _and_show(self, change: tables.MakeChange) -> tables.TryChange:
        """A change that returns the rows as n8n shows them."""

        def work(connection: Connection, table: DataTable, asked: tables.Change) -> list[Json]:
            return tables.show_rows(table, change(connection, table, asked, self._most_bytes))

        return work

    async def delete(self, table_id: str, wanted: Json, *, zone: str, dry_run: bool) -> list[Json]:
        """See `DataTables.delete`; refuses to give back more than MAX_ROWS."""

        def delete(connection: Connection) -> list[Json]:
            table = self._lock(connection, table_id)
            meant = row_filter(table, wanted, zone_of(zone))
            if dry_run:
                return tables.try_delete(connection, table, meant, most_rows=MAX_ROWS)
            return tables.show_rows(table, tables.delete(connection, table, meant, most_rows=MAX_ROWS))

        return await self._ask(delete)

    async def clear(self, table_id: str) -> int:
        """See `DataTables.clear`."""
        return await self._ask(lambda connection: tables.clear(connection, self._lock(connection, table_id)))

    async def list(self, *, name: str | None, sort: tuple[str, bool] | None, limit: int | None) -> list[Json]:
        """See `DataTables.list`; the newest changes first where `sort` names no column of the list."""

        def list_tables(connection: Connection) -> list[Json]:
            wanted = TableFilter(self._project_id, names=(name,) if name else ())
            order = Order(*sort) if sort and sort[0] in data_tables.KEYS else Order("updatedAt", descending=True)
            most = data_tables.MAX_TABLES if limit is None else limit
            tables = data_tables.list_tables(connection, wanted, limit=most, order=order)
            project = self._project(connection)
            return [show_briefly(table, project) for table in tables]

        return await self._ask(list_tables)

    async def create(self, name: str, columns: Sequence[tuple[str, str]]) -> Json:
        """See `DataTables.create`; refuses a name that another table has."""

        def create(connection: Connection) -> Json:
            made = tables.create(connection, self._project_id, name, columns)
            return {**tables.show_table(made), "project": self._project(connection)}

        return await self._ask(create, taken=name)

    async def rename(self, table_id: str, name: str) -> None:
        """See `DataTables.rename`; refuses a name that a table has, this one included."""

        def rename(connection: Connection) -> None:
            table, new = self._lock(connection, table_id), tables.table_name(name)
            if new == table.name:
                raise AlreadyExists
            data_tables.rename_table(connection, table.id, new)

        await self._ask(rename, taken=name)

    async def drop(self, table_id: str) -> None:
        """See `DataTables.drop`."""
        await self._ask(lambda connection: data_tables.delete_table(connection, self._lock(connection, table_id).id))

    def _get(self, connection: Connection, table_id: str) -> DataTable:
        try:
            return data_tables.get_table(connection, table_id, project_id=self._project_id)
        except DataTableNotFound:
            raise missing(table_id) from None

    def _lock(self, connection: Connection, table_id: str) -> DataTable:
        try:
            return data_tables.lock_table(connection, table_id, project_id=self._project_id)
        except DataTableNotFound:
            raise missing(table_id) from None

    def _project(self, connection: Connection) -> Json:
        """The project as tables show it."""
        project = projects.get_projects(connection, [self._project_id]).get(self._project_id)
        return {"id": self._project_id, "name": project.name if project else "", "type": "team", "icon": None}

    async def _ask(self, work: Callable[[Connection], T], *, taken: str = "") -> T:
        """Do something in a transaction of its own; `taken` is a name that may be another table's already."""
        try:
            async with self._turn(), self._places:
                return await self._database.transact(work)
        except AlreadyExists as error:
            raise DataTableRefused(f"Data table with name '{taken}' already exists in this project") from error
        except (InvalidData, RepositoryError) as error:
            raise DataTableRefused(str(error)) from error


def show_briefly(table: DataTable, project: Json) -> Json:
    """A table as lists of the node show it."""
    shown = {**tables.show_table(table), "project": project}
    for column in shown["columns"]:
        del column["dataTableId"]
    return shown


def missing(table_id: str) -> DataTableRefused:
    """The error for a table that is not there, or is another project's."""
    return DataTableRefused(f"Data table with ID '{table_id}' could not be found in this project", missing=True)


def order_of(table: DataTable, sort: tuple[str, bool] | None) -> Order:
    """The order of rows by a column that is there."""
    if sort is None:
        return Order("id")
    ids = {column.name: column.id for column in table.columns} | {name: name for name in KEYS}
    if sort[0] not in ids:
        raise DataTableRefused("Specified column does not exist")
    return Order(ids[sort[0]], sort[1])


def zone_of(name: str) -> tzinfo:
    """The time zone of this name, UTC for one that is none."""
    return find_zone(name) or UTC
