"""No Operation: hands its items on."""

from app.engine.context import NodeContext
from app.engine.registry import Outputs, node


@node("noOp", [1])
async def no_op(context: NodeContext) -> Outputs:
    return [context.items]
