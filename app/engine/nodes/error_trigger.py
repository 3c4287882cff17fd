"""Error Trigger: starts a workflow because another one has failed, with what is known of the failure."""

from app.engine.context import NodeContext
from app.engine.registry import Outputs, node


@node("errorTrigger", [1], trigger=True)
async def error_trigger(context: NodeContext) -> Outputs:
    return [context.items]
