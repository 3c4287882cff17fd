"""Loop Over Items (Split In Batches): outputs its items in batches, one in each round, until none are left."""

import math
from typing import Any

from app.engine.run.computing import PLAIN, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions


@node("splitInBatches", [1], exact=True)
async def split_in_batches(context: NodeContext) -> Outputs | None:
    _, batch = await _next_batch(context)
    return [batch] if batch else None


@node("splitInBatches", [2], outputs=2, exact=True)
async def split_in_batches_2(context: NodeContext) -> Outputs:
    memory, batch = await _next_batch(context)
    return [batch, _processed_items(context, memory)]


@node("splitInBatches", [3], outputs=2, exact=True)
async def split_in_batches_3(context: NodeContext) -> Outputs:
    memory, batch = await _next_batch(context)
    return [_processed_items(context, memory), batch]


def _processed_items(context: NodeContext, memory: dict[str, Any]) -> list[Item]:
    """What the loop is done with, when it is done; with an error output, as in n8n, it forgets its output."""
    if not memory["done"]:
        return []
    processed: list[Item] = memory["processedItems"]
    memory["processedItems"] = [] if context.node.on_error == "continueErrorOutput" else list(processed)
    return processed


async def _next_batch(context: NodeContext) -> tuple[dict[str, Any], list[Item]]:
    """The loop's memory, and the next batch: empty when there was none left.

    The memory holds only JSON, so that a loop goes on after a wait. Expressions see it as $('Loop').context, so its
    names are n8n's: `items` are those to come, `maxRunIndex` is how many batches they make.
    """
    size = context.parameters.get("batchSize", 10 if context.version < 3 else 1)
    options = context.parameters.get("options") or {}
    asked = await context.resolve_first({"size": size, "options": options}, parameter="batchSize")
    number = conversions.to_number(asked["size"])
    if math.isnan(number):
        raise NodeError(f"'batchSize' expects a number but we got '{conversions.display(asked['size'])}'")
    size = max(1, int(min(number, 1e9)))
    memory, early = context.memory(), context.version == 1
    source = next(iter(context.sources or []), None)
    begins = not memory or as_group(asked["options"]).get("reset") is True
    if begins:
        memory.clear()
        memory.update(currentRunIndex=0, maxRunIndex=math.ceil(len(context.items) / size), sourceData=source)
        memory["items"] = list(context.items)
        if not early:
            memory["processedItems"] = []
    else:
        memory["currentRunIndex"] += 1
        if not early:
            memory["processedItems"].extend(await _with_source(source, context.items))
    start = memory.pop("position", 0)  # a run that waits since an earlier release has kept the items before it, too
    batch: list[Item] = memory["items"][start : start + size]
    del memory["items"][: start + size]
    memory["noItemsLeft"] = not memory["items"]
    if not early:
        memory["done"] = not batch
    return memory, batch if begins else await _with_source(memory.get("sourceData"), batch)


async def _with_source(source: dict[str, Any] | None, items: list[Item]) -> list[Item]:
    """The items with the run that they came from, because a later run of this node puts them out."""
    if source is None:
        return list(items)
    return await compute(_add_source, source, items, size=len(items) / PLAIN)


def _add_source(source: dict[str, Any], items: list[Item]) -> list[Item]:
    return [{**item, "pairedItem": {"sourceOverwrite": source, **item["pairedItem"]}} for item in items]
