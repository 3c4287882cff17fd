"""Filter, version 2: keeps the items that meet its conditions."""

from app.engine.nodes.conditions import conditions
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node


@node("filter", [2, 2.1, 2.2, 2.3], exact=True)
async def filter_(context: NodeContext) -> Outputs:
    raw = context.parameters.get("conditions") or {}
    filters = await context.resolve_each(raw, parameter="conditions")
    matching: list[Item] = []
    discarded: list[Item] = []
    for item, result in zip(context.items, await conditions.evaluate(context, raw, filters), strict=True):
        if isinstance(result, NodeError):
            if not context.continues_on_fail:
                raise result
            discarded.append(item)
        else:
            (matching if result else discarded).append(item)
    return [matching, discarded]
