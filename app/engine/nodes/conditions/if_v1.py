"""IF and Filter, version 1: conditions in a list a type."""

from app.engine.nodes.conditions import old_conditions
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node


@node("if", [1], outputs=2, exact=True, groups=["conditions"])
async def if_v1(context: NodeContext) -> Outputs:
    return await _separate(context, any_suffices=context.parameters.get("combineOperation", "all") == "any")


@node("filter", [1], exact=True, groups=["conditions"])
async def filter_v1(context: NodeContext) -> Outputs:
    return await _separate(context, any_suffices=context.parameters.get("combineConditions", "AND") == "OR")


async def _separate(context: NodeContext, *, any_suffices: bool) -> Outputs:
    """The items that meet the conditions, and those that do not. What fails for an item is the node's failure."""
    given = old_conditions.with_defaults(context.parameters.get("conditions"))
    resolved, failed = await context.resolve_until(given, parameter="conditions", exact=True)
    rows = await old_conditions.read_all(context.items, resolved, old_conditions.read)
    met: list[Item] = []
    unmet: list[Item] = []
    for item, results in zip(context.items, await old_conditions.evaluate(context, rows), strict=False):
        (met if _combine(results, any_suffices) else unmet).append(item)
    if failed is not None:
        raise failed
    return [met, unmet]


def _combine(results: list[bool | NodeError], any_suffices: bool) -> bool:
    """Looks no further than it has to. Raises the NodeError that it meets."""
    for result in results:
        if isinstance(result, NodeError):
            raise result
        if result is any_suffices:
            return any_suffices
    return not any_suffices or not results
