"""When Executed by Another Workflow: starts a sub-workflow with the items that its parent hands over."""

from app.engine.context import NodeContext
from app.engine.registry import Outputs, node
from app.engine.sub_workflow_inputs import taken


@node("executeWorkflowTrigger", [1, 1.1], trigger=True)
async def execute_workflow_trigger(context: NodeContext) -> Outputs:
    return [taken(context.parameters, context.version, context.items)]
