"""When Executed by Another Workflow: starts a sub-workflow with the items that its parent hands over."""

from typing import Any

from app.engine.nodes.execute_workflow.sub_workflow_inputs import select_fields
from app.engine.nodes.shared.json_errors import not_json
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.issues import Issue
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.engine.values.conversions import CannotConvert


def _issues(parameters: dict[str, Any], version: float) -> list[Issue]:
    named = parameters.get("inputSource", "workflowInputs") != "workflowInputs" or (
        (parameters.get("workflowInputs") or {}).get("values")
    )
    return [] if version < 1.1 or named else [Issue("workflowInputs", "At least 1 field is required.")]


@node("executeWorkflowTrigger", [1, 1.1, 1.2], trigger=True, issues=_issues)
async def execute_workflow_trigger(context: NodeContext) -> Outputs:
    try:
        return [select_fields(context.parameters, context.version, context.items)]
    except CannotConvert:
        error = await not_json(context, str(context.parameters.get("jsonExample")))
        raise NodeError(error.message) from None
