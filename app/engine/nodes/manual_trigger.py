"""Manual Trigger: starts a workflow with the items that the run was given."""

from app.engine.context import NodeContext
from app.engine.registry import Outputs, node


@node("manualTrigger", [1], trigger=True)
async def manual_trigger(context: NodeContext) -> Outputs:
    return [context.items]
