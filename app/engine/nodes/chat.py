"""Chat: sends a message to the chat that has started the workflow, and, if asked to, waits for a reply."""

from typing import Any

from app.engine.nodes.shared.questions import SEND_AND_WAIT, approval_parameters
from app.engine.nodes.shared.waiting import answer_limit, cannot_wait
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

TRIGGER = "@n8n/n8n-nodes-langchain.chatTrigger"
OPERATIONS_SINCE, OWN_OUTPUT_SINCE = 1.1, 1.3
MAX_MESSAGES = 1_000


@node("@n8n/n8n-nodes-langchain.chat", [1, 1.1, 1.2, 1.3], approval=approval_parameters())
async def chat(context: NodeContext) -> Outputs:
    trigger = _trigger(context)
    parameters = await context.resolve_first(context.parameters)
    options = as_group(parameters.get("options"))
    if options.get("memoryConnection"):
        raise NodeError(
            "A Chat node cannot use a memory here", description="Connect the memory to the agent that replies."
        )
    waits = parameters.get("operation", "send") == SEND_AND_WAIT
    if context.version < OPERATIONS_SINCE:
        waits = bool(parameters.get("waitUserReply", True))
    message = conversions.display(parameters.get("message") or "")
    buttons = _buttons(parameters) if waits and context.version >= OPERATIONS_SINCE else []
    blocked = bool(buttons and parameters.get("blockUserInput"))
    said = context.execution.ports.said
    if len(said) >= MAX_MESSAGES:
        raise NodeError(f"A workflow can send at most {MAX_MESSAGES:,} messages between two replies")
    said.append({"text": message, "buttons": buttons, "blockUserInput": blocked} if buttons else message)
    if not waits:
        if context.version < OWN_OUTPUT_SINCE:
            return [context.items]
        return [[{"json": {"sessionId": trigger.get("sessionId"), "action": "sendMessage", "chatInput": message}}]]
    if not context.execution.ports.may_wait:
        raise cannot_wait("a reply")
    limit = await answer_limit(context, options)
    raise WaitRequested(limit, "webhook", {"buttons": buttons, "blockUserInput": blocked})


def _trigger(context: NodeContext) -> dict[str, Any]:
    """What the Chat Trigger that has led here has brought. Raises NodeError where none has."""
    for each in context.state.graph.nodes.values():
        if each.type == TRIGGER and each.name in context.state.run_data:
            if (as_group(each.parameters.get("options")).get("responseMode")) != "responseNodes":
                raise NodeError('"Response Mode" in the chat trigger node must be set to "Using Response Nodes"')
            outputs = (context.state.run_data[each.name][0].get("data") or {}).get("main") or [[]]
            return dict(outputs[0][0]["json"]) if outputs[0] else {}
    raise NodeError("Workflow must be started from a chat trigger node")


def _buttons(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """What can be clicked in place of a reply: {text, approved, style}."""
    if parameters.get("responseType", "freeTextChat") != "approval":
        return []
    given = (parameters.get("approvalOptions") or {}).get("values") or {}

    def button(approved: bool, name: str, label: str, style: str) -> dict[str, Any]:
        text = conversions.display(given.get(f"{name}Label") or label)
        return {
            "text": text,
            "approved": approved,
            "style": given.get(style) or ("primary" if approved else "secondary"),
        }

    made = [button(True, "approve", "Approve", "buttonApprovalStyle")]
    if given.get("approvalType") == "double":
        made.append(button(False, "disapprove", "Disapprove", "buttonDisapprovalStyle"))
    return made
