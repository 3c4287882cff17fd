"""Form: shows the next page to whoever has sent the form before, and waits for it; or the page at the end."""

from typing import Any

from app.engine.nodes.shared import binary
from app.engine.nodes.shared.waiting import cannot_wait, wait_limit
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.groups import as_group
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

TRIGGER = "n8n-nodes-base.formTrigger"
INHERITED = ("formTitle", "formDescription", "buttonLabel", "customCss")
"""What a page takes over from the Form Trigger, where it says nothing itself."""


@node("form", [1, 2.3, 2.4, 2.5])
async def form(context: NodeContext) -> Outputs:
    before = _trigger(context)
    if before is None:
        raise NodeError(
            "Form Trigger node must be set before this node",
            description="A page can only be shown to somebody who has sent one before",
        )
    parameters = await context.resolve_first(context.parameters)
    if parameters.get("operation", "page") == "completion":
        await _say_end(context, parameters, before)
        return [context.items]
    if not context.execution.ports.may_wait:
        raise cannot_wait("a form")
    raise WaitRequested(await wait_limit(context), "webhook", page_parameters(context, parameters, before))


def page_parameters(
    context: NodeContext, parameters: dict[str, Any], before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What the page is made of, for whoever shows it; `before`: what the Form Trigger says."""
    options = {**{key: value for key, value in (before or {}).items() if value}, **as_group(parameters.get("options"))}
    return {**parameters, "options": options, "timezone": context.timezone}


def _trigger(context: NodeContext) -> dict[str, Any] | None:
    """The looks of the Form Trigger that has led here, None where none has."""
    graph = context.state.graph
    for each in graph.nodes.values():
        if each.type == TRIGGER and each.name in context.state.run_data:
            options = as_group(each.parameters.get("options"))
            given = {name: options.get(name) or each.parameters.get(name) for name in INHERITED}
            return {name: value for name, value in given.items() if not str(value or "").startswith("=")}
    return None


async def _say_end(context: NodeContext, parameters: dict[str, Any], before: dict[str, Any]) -> None:
    """Leave the last page for whoever has sent the form; nobody is there where the workflow was run by hand."""
    options = as_group(parameters.get("options"))
    kind = parameters.get("respondWith", "text")
    said: dict[str, Any] = {
        "title": conversions.display(parameters.get("completionTitle") or options.get("formTitle") or ""),
        "message": conversions.display(parameters.get("completionMessage") or ""),
        "css": options.get("customCss") or before.get("customCss") or "",
    }
    if kind == "redirect":
        said["redirect"] = conversions.display(parameters.get("redirectUrl") or "")
    elif kind == "showText":
        said["html"] = conversions.display(parameters.get("responseText") or "")
    elif kind == "returnBinary":
        item = context.items[0] if context.items else {"json": {}}
        file = binary.entry(item, parameters.get("inputDataFieldName", "data"), 0)
        said["file"] = {name: file.get(name) for name in ("data", "mimeType", "fileName")}
    elif kind != "text":
        raise NodeError(f"The Form node cannot end with '{kind}'")
    if context.execution.ports.respond is not None:
        await context.execution.ports.respond({"form": said})
