"""Error Trigger: starts a workflow because another one has failed, with what is known of the failure."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


@node("errorTrigger", [1], trigger=True)
async def error_trigger(context: NodeContext) -> Outputs:
    return [context.items]
