"""No Operation: outputs its items unchanged."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


@node("noOp", [1])
async def no_op(context: NodeContext) -> Outputs:
    return [context.items]
