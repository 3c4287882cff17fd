"""Function and Function Item: what the Code node was before; the workflow's own JavaScript, in the sandbox."""

import re
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.sandbox import CodeError, CodeResult, SandboxError
from app.engine.values import conversions

NO_DATA = "No data got returned. Always an object has to be returned!"
_PLACE = re.compile(r" \[[Ll]ine \d++[^\[\]]*+\]\Z")


@node("function", [1])
async def function(context: NodeContext) -> Outputs:
    try:
        result = await _run(context, "", each_item=False)
        return [_items(result.items[0]["json"].get("returned") if result.items else None)]
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        return [[{"json": {"error": error.message}}]]


@node("functionItem", [1])
async def function_item(context: NodeContext) -> Outputs:
    result = await _run(context, "const item = $input.item.json;", each_item=True)
    output: list[Item] = []
    for index, entry in enumerate(result.items):
        json = entry["json"]
        if "returned" in json and isinstance(json["returned"], dict | list):
            made: Any = json["returned"]
        elif context.continues_on_fail:
            made = {"error": _without_place(str(json.get("error", NO_DATA)))}
        else:
            raise NodeError(NO_DATA, item_index=index)
        output.append({"json": made, "pairedItem": {"item": index}})
    return [output]


async def _run(context: NodeContext, before: str, *, each_item: bool) -> CodeResult:
    code = str(context.parameters.get("functionCode") or "")
    source = (
        f"const parameters = {conversions.to_json_text(context.parameters)};\n"
        "const getNodeParameter = (name) => parameters[name];\n"
        "const getWorkflowStaticData = (kind) => $getWorkflowStaticData(kind);\n"
        f"{before}\n"
        f"const returned = await (async () => {{\n{code}\n}})();\n"
        f"return {'{ json: { returned } }' if each_item else '[{ json: { returned } }]'};"
    )
    going_on = each_item and context.continues_on_fail
    try:
        result = await context.run_own_program(source, each_item=each_item, continue_on_fail=going_on)
    except (CodeError, SandboxError) as error:
        message = getattr(error, "message", None) or str(error)
        raise NodeError(_without_place(message), item_index=getattr(error, "item_index", None)) from error
    if result.console:
        context.metadata.setdefault("console", []).extend(result.console)
    return result


def _without_place(message: str) -> str:
    """The program stands inside another here, so that its line numbers would mislead."""
    return _PLACE.sub("", message)


def _items(returned: Any) -> list[Item]:
    """What a Function returned, as items. Raises NodeError."""
    if returned is None:
        raise NodeError("No data got returned. Always return an Array of items!")
    if not isinstance(returned, list) or not all(isinstance(entry, dict) for entry in returned):
        raise NodeError("Always an Array of items has to be returned!")
    return [entry if isinstance(entry.get("json"), dict) else {"json": entry} for entry in returned]
