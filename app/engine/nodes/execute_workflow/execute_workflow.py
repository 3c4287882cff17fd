"""Execute Workflow: runs another workflow, stored or held by the node, once for all items or once for each."""

from dataclasses import replace
from typing import Any

from app.dates import WAIT_INDEFINITELY
from app.engine.nodes.execute_workflow.origins import pair_outputs
from app.engine.nodes.execute_workflow.sub_workflow_inputs import map_fields
from app.engine.nodes.shared.issues import Mapped, Required, rules
from app.engine.nodes.shared.json_errors import not_json
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import ChildError, NodeError, WaitRequested
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.memory import DICT, weigh_outputs
from app.engine.run.ports import ChildOutcome, ChildRequest
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert, Undefined

NOTHING_CHOSEN = 'No information about the workflow to execute found. Please provide either the "id" or "code"!'
LISTED = 1.1
"""From this version on, the workflow is chosen from a list: its parameter is an object."""
MAPPED = 1.2
"""From this version on, the node maps the fields that it hands over."""
STORED = {"source": ["database"]}
ISSUES = rules(
    Required("workflowId", "Workflow ID", when=STORED, below=1.1),
    Required("workflowId", "Workflow", when=STORED, since=1.1, listed=True),
    Required("workflowPath", "Workflow Path", when={"source": ["localFile"]}),
    Required("workflowUrl", "Workflow URL", when={"source": ["url"]}),
    Mapped("workflowInputs", when=STORED, unless={"workflowId": [""]}, since=1.2),
    defaults={"source": "database"},
)


@node("executeWorkflow", [1, 1.1, 1.2, 1.3], issues=ISSUES, plain=["mode"])
async def execute_workflow(context: NodeContext) -> Outputs:
    stored = context.parameters.get("source", "database") != "parameter"
    mapped = await map_fields(context) if stored and context.version >= MAPPED else context.items
    context.hold(DICT * len(mapped))
    given = await compute(_number_items, mapped, size=len(mapped))
    if context.parameters.get("mode", "once") == "each":
        return await _run_for_each(context, given)
    try:
        outcome = await _run(context, given, await _called_workflow(context, 0))
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        _forget_executions(context)
        failed = _error_item(error)
        return [[{**failed, "pairedItem": [{"item": index} for index in range(len(given))]}]]
    if not _waits(context):
        return [given]
    return await compute(pair_outputs, outcome, len(given), size=sum(map(len, outcome.outputs)))


async def _run_for_each(context: NodeContext, given: list[Item]) -> Outputs:
    """Run it once for each item. What fails for an item comes out in its place; before version 1.3, as in n8n, at the
    output of that item's number."""
    merged: Outputs = [[]]
    for index, item in enumerate(given):
        try:
            outcome = await _run(context, [item], await _called_workflow(context, index))
            outputs = outcome.outputs if _waits(context) else [[item]]
        except NodeError as error:
            if not context.continues_on_fail and not _is_of_a_node(error):
                message = f"Error executing workflow with item at index {index}"
                raise NodeError(message, description=error.message, item_index=index) from error
            if not context.continues_on_fail:
                raise
            skipped = index if context.version < 1.3 else 0
            outputs = [*([] for _ in range(skipped)), [_error_item(error)]]
        else:
            if (about := context.metadata.get("subExecution")) is not None:
                outputs = [[{**each, "metadata": {"subExecution": about}} for each in items] for items in outputs]
        await _hold(context, outputs, item)
        for output, items in enumerate(outputs):
            while len(merged) <= output:
                merged.append([])
            merged[output] += [{**each, "pairedItem": {"item": index}} for each in items]
    context.metadata.pop("subExecution", None)
    return merged


def _number_items(items: list[Item]) -> list[Item]:
    """The items with their places, as a sub-workflow is given them."""
    return [{**item, "index": place} for place, item in enumerate(items)]


def _forget_executions(context: NodeContext) -> None:
    """Leave the execution that failed to the item that stands for it."""
    context.metadata.pop("subExecution", None)
    context.metadata.pop("subExecutionsCount", None)


async def _hold(context: NodeContext, outputs: Outputs, item: Item) -> None:
    """Count what an item's run gives, which is kept until the last one is through. Raises TooMuchData."""
    room, size = context.execution.ports.meter.room, sum(map(len, outputs))
    context.hold(await compute(weigh_outputs, outputs, [[item]], room, size=size))


async def _called_workflow(context: NodeContext, index: int) -> dict[str, Any]:
    """Which workflow is meant for this item: `workflow_id` or `document`."""
    parameters = context.parameters
    if parameters.get("source", "database") == "parameter":
        given = parameters.get("workflowJson", "")
        text = await context.resolve_with(given, {}, index) if context.items else ""
        return {"document": await _document(context, text)}
    chosen = parameters.get("workflowId", "")
    if context.version >= LISTED:
        chosen = chosen.get("value") if isinstance(chosen, dict) else None
    workflow_id = await _resolve_for(context, chosen, index)
    if workflow_id in (None, ""):
        raise NodeError(NOTHING_CHOSEN, anonymous=True)
    return {"workflow_id": conversions.display(workflow_id)}


async def _resolve_for(context: NodeContext, value: Any, index: int) -> Any:
    """A parameter for one item, so that another item's failure is not this one's; None for undefined."""
    made = await context.resolve_with(value, {}, index) if context.items else None
    return None if isinstance(made, Undefined) else made


async def _document(context: NodeContext, given: Any) -> dict[str, Any]:
    """The workflow that the text describes. Raises NodeError, as n8n in JavaScript's words."""
    text = conversions.to_string(given)
    try:
        document = await parse_json(context, text)
    except CannotConvert:
        raise await not_json(context, text) from None
    if (wrong := _whats_wrong(document)) is not None:
        raise NodeError(wrong, anonymous=True)
    return dict(document)


def _whats_wrong(document: Any) -> str | None:
    """What keeps JSON from being a workflow that can be run; None: nothing that its form shows."""
    if document is None:
        return "Cannot read properties of null (reading 'nodes')"
    if not isinstance(document, dict | list):
        shown = conversions.to_string(document)
        return f"Cannot create property 'id' on {conversions.type_name(document)} '{shown}'"
    nodes = document.get("nodes", ...) if isinstance(document, dict) else ...
    if nodes is ... or nodes is None:
        return f"Cannot read properties of {'undefined' if nodes is ... else 'null'} (reading 'find')"
    if not isinstance(nodes, list):
        return "nodes.find is not a function"
    return None


async def _run(context: NodeContext, items: list[Item], called: dict[str, Any]) -> ChildOutcome:
    ports = context.execution.ports
    ports = replace(ports, meter=ports.meter.begin_part(context.held))
    if ports.run_child is None:
        raise NodeError("Sub-workflows cannot be run here")
    request = ChildRequest(items=items, wait=_waits(context), may_wait=ports.may_wait, **called)
    outcome = await context.children.run(ports, request)
    if outcome.execution_id is not None:
        workflow_id = called.get("workflow_id")
        context.metadata["subExecution"] = {"executionId": outcome.execution_id, "workflowId": workflow_id}
        context.metadata["subExecutionsCount"] = context.metadata.get("subExecutionsCount", 0) + 1
    if outcome.waits:
        raise WaitRequested(WAIT_INDEFINITELY, resume_on="child")
    if outcome.error is not None and request.wait:
        about = context.metadata.get("subExecution") if outcome.execution_id is not None else None
        raise ChildError(outcome.error, outcome.failure, about)
    return outcome


def _waits(context: NodeContext) -> bool:
    return bool(as_group(context.parameters.get("options")).get("waitForSubWorkflow", True))


def _is_of_a_node(error: NodeError) -> bool:
    """Whether it is the error of a node, which needs no other around it. Programs and expressions are none."""
    if isinstance(error, ChildError) and error.failure is not None:
        return "node" in error.failure
    return error.name == "NodeOperationError" and not error.anonymous


def _error_item(error: NodeError) -> Item:
    """The item that stands for a run that failed, with the execution that it was."""
    item: Item = {"json": {"error": error.message}}
    if isinstance(error, ChildError) and error.about is not None:
        item["metadata"] = {"subExecution": error.about, "subExecutionsCount": 1}
    return item
