"""Limit: keeps the first or the last items."""

import math

from app.engine import conversions
from app.engine.context import NodeContext
from app.engine.registry import Outputs, node


@node("limit", [1])
async def limit(context: NodeContext) -> Outputs:
    wanted = {"most": context.parameters.get("maxItems", 1), "keep": context.parameters.get("keep", "firstItems")}
    asked = await context.resolve_first(wanted, parameter="maxItems")
    number = conversions.to_number(asked["most"])
    most = 0 if math.isnan(number) else int(min(number, len(context.items)))
    if most >= len(context.items):
        return [context.items]
    if asked["keep"] == "firstItems":
        return [context.items[:most]]
    return [context.items[len(context.items) - most :] if most >= 0 else context.items]
