"""Loop Over Items (Split In Batches): hands items on a batch at a time, until all have been."""

import math
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions


@node("splitInBatches", [1], exact=True)
async def split_in_batches(context: NodeContext) -> Outputs | None:
    _, batch, _ = await _next_batch(context)
    return [batch] if batch else None


@node("splitInBatches", [2], outputs=2, exact=True)
async def split_in_batches_2(context: NodeContext) -> Outputs:
    memory, batch, done = await _next_batch(context)
    return [batch, list(memory["processedItems"]) if done else []]


@node("splitInBatches", [3], outputs=2, exact=True)
async def split_in_batches_3(context: NodeContext) -> Outputs:
    memory, batch, done = await _next_batch(context)
    return [list(memory["processedItems"]) if done else [], batch]


async def _next_batch(context: NodeContext) -> tuple[dict[str, Any], list[Item], bool]:
    """The loop's memory, the next batch, and whether there was none left.

    The memory holds only JSON, so that a loop goes on after a wait.
    """
    asked = await context.resolve_first(
        {"size": context.parameters.get("batchSize", 1), "options": context.parameters.get("options") or {}},
        parameter="batchSize",
    )
    number = conversions.to_number(asked["size"])
    if math.isnan(number):
        raise NodeError(f"'batchSize' expects a number but we got '{conversions.display(asked['size'])}'")
    size = max(1, int(min(number, 1e9)))
    memory = context.memory()
    source = next(iter(context.sources or []), None)
    if not memory or asked["options"].get("reset") is True:
        memory.clear()
        memory.update(items=_from(source, context.items), processedItems=[], position=0, currentRunIndex=0)
    else:
        memory["processedItems"].extend(_from(source, context.items))
        memory["currentRunIndex"] += 1
    start = memory["position"]
    batch: list[Item] = memory["items"][start : start + size]
    memory["position"] = start + len(batch)
    memory["noItemsLeft"] = memory["position"] >= len(memory["items"])
    return memory, batch, not batch


def _from(source: dict[str, Any] | None, items: list[Item]) -> list[Item]:
    """The items with the run that they came from, because a later run of this node puts them out."""
    if source is None:
        return list(items)
    return [{**item, "pairedItem": {**item["pairedItem"], "sourceOverwrite": source}} for item in items]
