"""Limit: keeps the first or the last items."""

import math
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

NOTHING: list[Item] = [{"json": {}}]


@node("limit", [1])
async def limit(context: NodeContext) -> Outputs:
    return [await limit_items(context, context.parameters)]


async def limit_items(context: NodeContext, parameters: dict[str, Any]) -> list[Item]:
    """The items that the parameters let through."""
    wanted = {"most": parameters.get("maxItems", 1), "keep": parameters.get("keep", "firstItems")}
    [asked] = await context.resolve(wanted, parameter="maxItems", items=context.items[:1] or NOTHING, exact=True)
    if isinstance(asked["most"], Undefined):
        return context.items  # as JavaScript cuts a list at undefined
    number = conversions.to_number(asked["most"])
    if math.isnan(number):
        return [] if asked["keep"] == "firstItems" else context.items  # as JavaScript cuts a list there
    most = int(min(number, len(context.items)))
    if most >= len(context.items):
        return context.items
    if asked["keep"] == "firstItems":
        return context.items[:most]
    return context.items[len(context.items) - most :]
