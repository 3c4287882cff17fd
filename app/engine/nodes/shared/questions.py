"""Questions to people: a node sends a message with links, and the execution waits until one of them is followed.

What the pages behind the links need is kept with the wait (`question`); app.api.forms.questions shows them.
"""

from html import escape
from typing import Any

from app.engine.nodes.shared.waiting import cannot_wait
from app.engine.run.context import NodeContext
from app.engine.run.groups import as_group
from app.engine.values import conversions

SEND_AND_WAIT = "sendAndWait"
APPROVAL = "approval"
WITHOUT_ID = "node"
"""In a link, in place of the id of a node that has none."""
KEPT = ("responseType", "defineForm", "formFields", "jsonOutput", "options")
"""The parameters that the pages are made of."""
COLORS = {"primary": ("#ff6d5a", "#ffffff"), "secondary": ("#ffffff", "#4a4a4a")}


def approval_parameters() -> dict[str, Any]:
    """The parameters by which nodes ask for approval, whatever else they can ask for."""
    return {"operation": SEND_AND_WAIT, "responseType": APPROVAL}


async def question(context: NodeContext) -> dict[str, Any]:
    """What is kept of the question that a node asks; `run` tells its links from those of other questions."""
    given = {name: context.parameters[name] for name in KEPT if name in context.parameters}
    asked: dict[str, Any] = await context.resolve_first(given)
    return {"operation": SEND_AND_WAIT, **asked, "run": context.run_index}


def link(context: NodeContext, approved: bool) -> str:
    """The address that answers the question. Raises NodeError where nobody can call this execution."""
    address_of = context.execution.ports.question_url
    if address_of is None or not context.execution.ports.may_wait:
        raise cannot_wait("an answer")
    return f"{address_of(asking_node(context), context.run_index)}&approved={str(approved).lower()}"


def asking_node(context: NodeContext) -> str:
    """What a node is called in the links of its questions."""
    return str(context.node.document.get("id") or WITHOUT_ID)


def buttons(context: NodeContext, parameters: dict[str, Any]) -> list[str]:
    """The links of a mail, as HTML."""
    if parameters.get("responseType", APPROVAL) != APPROVAL:
        label = as_group(parameters.get("options")).get("messageButtonLabel") or "Respond"
        return [_button(link(context, True), label, "primary")]
    given = as_group(as_group(parameters.get("approvalOptions")).get("values"))
    shown = [
        _button(
            link(context, True), given.get("approveLabel") or "Approve", given.get("buttonApprovalStyle") or "primary"
        )
    ]
    if given.get("approvalType") == "double":
        style = given.get("buttonDisapprovalStyle") or "secondary"
        shown.insert(0, _button(link(context, False), given.get("disapproveLabel") or "Disapprove", style))
    return shown


def _button(address: str, label: Any, style: str) -> str:
    background, color = COLORS.get(style, COLORS["primary"])
    look = (
        f"display:inline-block;text-decoration:none;background:{background};color:{color};padding:12px 24px;"
        "font-family:Arial,sans-serif;font-size:14px;font-weight:600;border:1px solid #dbdfe7;border-radius:6px;"
        "min-width:120px;margin:12px 6px 0 6px;text-align:center"
    )
    text = escape(conversions.display(label))
    return f'<a href="{escape(address)}" target="_blank" style="{look}">{text}</a>'
