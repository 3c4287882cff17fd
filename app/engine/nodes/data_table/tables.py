"""What the Data Table node does with tables."""

from app.engine.nodes.data_table.item_request import Asked
from app.engine.run.items import Item
from app.engine.values import conversions


async def clear(asked: Asked) -> list[Item]:
    """Delete all rows of a table."""
    number = await asked.store.clear(await asked.table_id())
    return [{"json": {"success": True, "deletedCount": number}}]


async def create(asked: Asked) -> list[Item]:
    """Make a table, or take the one of that name where the node allows it."""
    name = conversions.display(asked.parameters.get("tableName", ""))
    if asked.options.get("createIfNotExists"):
        tables = await asked.store.list(name=name, sort=None, limit=None)
        same = [table for table in tables if table["name"] == name]
        if same:
            return [{"json": same[0]}]
    entries = (asked.parameters.get("columns") or {}).get("column") or []
    columns = [(conversions.display(entry.get("name", "")), str(entry.get("type", "string"))) for entry in entries]
    return [{"json": await asked.store.create(name, columns)}]


async def drop(asked: Asked) -> list[Item]:
    """Delete a table."""
    await asked.store.drop(await asked.table_id())
    return [{"json": {"success": True, "deletedTableId": asked.locator()}}]


async def list_tables(asked: Asked) -> list[Item]:
    """Tables, sorted as the node says."""
    options = asked.options
    sort = None
    if options.get("sortField") and options.get("sortDirection"):
        sort = (str(options["sortField"]), options["sortDirection"] == "desc")
    limit = None if asked.parameters.get("returnAll", True) else asked.limit()
    tables = await asked.store.list(name=options.get("filterName") or None, sort=sort, limit=limit)
    return [{"json": table} for table in tables]


async def rename(asked: Asked) -> list[Item]:
    """Give a table another name."""
    name = conversions.display(asked.parameters.get("newName", ""))
    await asked.store.rename(await asked.table_id(), name)
    return [{"json": {"success": True, "name": name}}]
