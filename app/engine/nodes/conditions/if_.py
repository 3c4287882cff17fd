"""IF, version 2: sends each item one of two ways."""

from app.engine.nodes.conditions import conditions
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node


@node("if", [2, 2.1, 2.2, 2.3], outputs=2, exact=True)
async def if_(context: NodeContext) -> Outputs:
    raw = context.parameters.get("conditions") or {}
    filters = await context.resolve_each(raw, parameter="conditions")
    met: list[Item] = []
    unmet: list[Item] = []
    for item, result in zip(context.items, await conditions.evaluate(context, raw, filters), strict=True):
        if isinstance(result, NodeError):
            if not context.continues_on_fail:
                raise result
            unmet.append(item)
        else:
            (met if result else unmet).append(item)
    return [met, unmet]
