"""What the Data Table node does with rows."""

from collections.abc import Callable
from typing import Any

from app.engine.nodes.data_table.item_request import Asked
from app.engine.run.computing import compute, count_work, yield_to_loop
from app.engine.run.data_tables import Json
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import weigh
from app.vocabulary import SYSTEM_COLUMNS

PAGE = 1_000
"""Rows that are read at once."""


def has_table_by_expression(parameters: dict[str, Any]) -> bool:
    """Whether an expression names the table: then each item may mean another one."""
    chosen = parameters.get("dataTableId")
    value = chosen.get("value") if isinstance(chosen, dict) else chosen
    return isinstance(value, str) and "{" in value


async def insert(asked: Asked) -> list[Item]:
    """A row for one item."""
    made = await asked.store.insert(await asked.table_id(), [asked.row()], zone=asked.zone)
    return [{"json": _insertion_summary(made)}] if asked.options.get("optimizeBulk") else await _items(asked, made)


async def insert_many(asked: list[Asked]) -> list[Item]:
    """The rows of all items, all or none of them."""
    first = asked[0]
    table_id = await first.table_id()
    rows = []
    for each in asked:
        await yield_to_loop()
        rows.append(each.row())
    made = await first.store.insert(table_id, rows, zone=first.zone)
    if first.options.get("optimizeBulk"):
        return [{"json": _insertion_summary(made)}]
    items = await _items(first, made)
    for index, item in enumerate(items):
        await yield_to_loop()
        item["pairedItem"] = {"item": index}
    return items


def _insertion_summary(made: list[Json]) -> Json:
    return {"success": True, "insertedRows": len(made)}


async def get(asked: Asked) -> list[Item]:
    """The rows that are meant, sorted as the node says."""
    table_id = await asked.table_id()
    sort = None
    if asked.parameters.get("orderBy") and (column := asked.parameters.get("orderByColumn", "createdAt")):
        if column not in SYSTEM_COLUMNS and column not in await asked.store.columns(table_id):
            raise NodeError("Specified column does not exist")
        sort = (str(column), asked.parameters.get("orderByDirection", "DESC") == "DESC")
    return await _read(asked, table_id, sort, asked.limit())


async def row_exists(asked: Asked) -> list[Item]:
    """The item itself where a row is meant."""
    return [asked.item] if await _read(asked, await asked.table_id(), None, 1) else []


async def row_not_exists(asked: Asked) -> list[Item]:
    """The item itself where no row is meant."""
    return [] if await _read(asked, await asked.table_id(), None, 1) else [asked.item]


async def _read(asked: Asked, table_id: str, sort: tuple[str, bool] | None, limit: int | None) -> list[Item]:
    wanted = await asked.row_filter(table_id)
    items: list[Item] = []
    after: Any = None
    while True:
        number = PAGE if limit is None else min(PAGE, limit - len(items))
        page = await asked.store.read(table_id, wanted, zone=asked.zone, sort=sort, limit=number, after=after)
        items += await _items(asked, page.rows)
        after = page.following
        if after is None or (limit is not None and len(items) >= limit):
            return items


async def update(asked: Asked) -> list[Item]:
    """Change the rows that are meant, and put them out."""
    table_id, dry_run, row = await asked.table_id(), asked.dry_run(), asked.row()
    wanted = _some(await asked.row_filter(table_id))
    made = await asked.store.update(table_id, wanted, row, zone=asked.zone, dry_run=dry_run)
    return await _items(asked, made)


async def upsert(asked: Asked) -> list[Item]:
    """The same, but add a row where none is meant."""
    table_id, dry_run, row = await asked.table_id(), asked.dry_run(), asked.row()
    wanted = _some(await asked.row_filter(table_id))
    made = await asked.store.upsert(table_id, wanted, row, zone=asked.zone, dry_run=dry_run)
    return await _items(asked, made)


async def delete(asked: Asked) -> list[Item]:
    """Delete the rows that are meant, and output what they were."""
    table_id, dry_run = await asked.table_id(), asked.dry_run()
    wanted = _some(await asked.row_filter(table_id))
    return await _items(asked, await asked.store.delete(table_id, wanted, zone=asked.zone, dry_run=dry_run))


def _some(wanted: Json) -> Json:
    """The filter, which must not mean all rows by mistake."""
    if not wanted["filters"]:
        raise NodeError("At least one condition is required")
    return wanted


async def _items(asked: Asked, made: list[Json]) -> list[Item]:
    return await compute(_counted_items, made, asked.context.hold, size=count_work(made))


def _counted_items(made: list[Json], hold: Callable[[int], None]) -> list[Item]:
    items: list[Item] = [{"json": row} for row in made]
    hold(weigh(items))
    return items
