"""Manual Trigger: starts a workflow with the items that the run was given."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


@node("manualTrigger", [1], trigger=True, by_hand=True)
async def manual_trigger(context: NodeContext) -> Outputs:
    if context.sources is not None:
        return [[{"json": {}}]]  # in the middle of a workflow it starts over with nothing
    return [context.items]
