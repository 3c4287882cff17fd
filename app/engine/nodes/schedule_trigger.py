"""Schedule Trigger, and Cron and Interval before it: start a workflow at set times; the worker knows when."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node


@node("scheduleTrigger", [1, 1.1, 1.2, 1.3, 1.4], trigger=True)
@node("cron", [1], trigger=True)
@node("interval", [1], trigger=True)
async def schedule_trigger(context: NodeContext) -> Outputs:
    return [context.items]
