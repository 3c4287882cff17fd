"""Splits items as IF and Filter do in version 2: those that meet the conditions, and the others."""

from app.engine.nodes.conditions import conditions
from app.engine.run.computing import slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs


async def separate(context: NodeContext) -> Outputs:
    """[those that meet the node's conditions, those that do not]; one that fails meets none where the node goes on."""
    raw = context.parameters.get("conditions", {})
    filters = await context.resolve_each(raw, parameter="conditions", exact=True)
    met: list[Item] = []
    unmet: list[Item] = []
    for item, result in zip(context.items, await conditions.evaluate(context, filters), strict=True):
        if slice_is_over():
            await yield_to_loop()
        if isinstance(result, NodeError):
            if not context.continues_on_fail:
                raise result
            unmet.append(item)
        else:
            (met if result else unmet).append(item)
    return [met, unmet]
