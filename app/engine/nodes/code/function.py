"""Function and Function Item, the predecessors of Code: the workflow's own JavaScript, run in the sandbox."""

import re
from typing import Any

from app.engine.nodes.code.helpers import CodeHelpers
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_own_program
from app.engine.run.registry import node
from app.engine.sandbox import CodeError, CodeResult, SandboxError
from app.engine.sandbox.returned_items import with_json
from app.engine.values import conversions

NO_DATA = "No data got returned. Always an object has to be returned!"
NO_OBJECT = "The json-property has to be an object!"
_PLACE = re.compile(r" \[[Ll]ine \d++[^\[\]]*+\]\Z")
# What stands in a new node's editor, and so is not stored where nobody has changed it.
_DEFAULT = "for (const each of items) each.json.myNewField = 1;\nreturn items;"
_DEFAULT_EACH = "item.myNewField = 1;\nreturn item;"


_BINARY_OF_ITEM = """
const $binaryOf = (item) => item.binary;
const getBinaryData = () => $input.item.binary;
const getBinaryDataAsync = async () => $input.item.binary;
const setBinaryDataAsync = async (data) => {
  if (!data) throw new Error('No data was provided to setBinaryDataAsync (data: IBinaryKeyData).');
  $input.item.binary = data;
};"""
_BINARY_OF_ITEMS = """
const getBinaryDataAsync = async (item) => item.binary;
const setBinaryDataAsync = async (item, data) => {
  const given = '(item: INodeExecutionData, data: IBinaryKeyData)';
  if (!item) throw new Error(`No item was provided to setBinaryDataAsync ${given}.`);
  if (!data) throw new Error(`No data was provided to setBinaryDataAsync ${given}.`);
  item.binary = data;
};"""


class Failed(NodeError):
    """The program has failed, or has returned what cannot be an output; None: it threw something without a message."""

    def __init__(self, message: str | None, *, anonymous: bool = True) -> None:
        super().__init__("Unknown error" if message is None else message, anonymous=anonymous)
        self.said = {} if message is None else {"error": message}


@node("function", [1])
async def function(context: NodeContext) -> Outputs:
    code = context.parameters.get("functionCode", _DEFAULT)
    source = f"{_declarations(context)}\n{_BINARY_OF_ITEMS}\n{_guard(code)}\nreturn [{{ json: left }}];"
    try:
        left = (await _run(context, source, each_item=False)).items[0]["json"]
        return [_items(_returned_value(left))]
    except Failed as error:
        if not context.continues_on_fail:
            raise
        return [[{"json": error.said}]]


@node("functionItem", [1])
async def function_item(context: NodeContext) -> Outputs:
    code = context.parameters.get("functionCode", _DEFAULT_EACH)
    begin = f"{_declarations(context)}\n{_BINARY_OF_ITEM}\nconst item = $input.item.json;"
    source = f"{begin}\n{_guard(code)}\nreturn {{ json: left, binary: $binaryOf($input.item) }};"
    try:
        result = await _run(context, source, each_item=True)
    except Failed as error:
        if not context.continues_on_fail:
            raise
        return [[{"json": dict(error.said)} for _ in context.items]]
    return [[_item(context, entry, index) for index, entry in enumerate(result.items)]]


def _item(context: NodeContext, made: Item, index: int) -> Item:
    """What a Function Item has made of an item, whose files it keeps. Raises NodeError."""
    left: dict[str, Any] = made["json"]
    try:
        item: Item = {"json": _object(_returned_value(left)), "pairedItem": {"item": index}}
        return {**item, "binary": made["binary"]} if made.get("binary") else item
    except Failed as error:
        if not context.continues_on_fail:
            raise NodeError(error.message, item_index=index, anonymous=error.anonymous) from error
        item = {"json": error.said}
        # Among errors, an item that is paired would get the fields of its input.
        is_alone = "thrown" in left and context.node.on_error == "continueErrorOutput"
        return item if is_alone else {**item, "pairedItem": {"item": index}}
    except NodeError as error:
        return failed_item(context, error, index)


def _declarations(context: NodeContext) -> str:
    return (
        f"const parameters = {conversions.to_json_text(context.parameters)};\n"
        "const getNodeParameter = (name) => parameters[name];\n"
        "const getWorkflowStaticData = (kind) => $getWorkflowStaticData(kind);\n"
        "const require = (name) => { throw new Error(`Cannot find module '${name}'`); };"
    )


def _guard(code: Any) -> str:
    """JavaScript that puts into `left` what the code returns or throws."""
    return (
        "let left;\n"
        f"try {{ left = {{ returned: await (async () => {{\n{code or ''}\n}})() }}; }}\n"
        "catch (thrown) { left = { thrown: thrown ?? String(thrown), message: thrown?.message }; }"
    )


async def _run(context: NodeContext, source: str, *, each_item: bool) -> CodeResult:
    try:
        async with CodeHelpers(context) as helpers:
            result = await run_own_program(
                context, source, each_item=each_item, continue_on_fail=False, helpers=helpers
            )
    except CodeError as error:
        raise Failed(_without_place(error.message)) from error
    except SandboxError as error:
        raise NodeError(str(error)) from error
    if result.console:
        context.metadata.setdefault("console", []).extend(result.console)
    return result


def _without_place(message: str) -> str:
    """The program stands inside another here, so that its line numbers would mislead."""
    return _PLACE.sub("", message)


def _returned_value(left: dict[str, Any]) -> Any:
    """What the code returned; Ellipsis for undefined. Raises Failed, NodeError."""
    if left.get("thrown") in ("null", "undefined"):
        raise NodeError(f"Cannot read properties of {left['thrown']} (reading 'message')", anonymous=True)
    if "thrown" in left:
        message = left.get("message")
        raise Failed(message if isinstance(message, str) else None)
    return left.get("returned", ...)


def _items(returned: Any) -> list[Item]:
    """What a Function returned, as items. Raises Failed."""
    if returned is ...:
        raise Failed("Cannot read properties of undefined (reading 'every')")
    if returned is None:
        raise Failed("Cannot read properties of null (reading 'json')")
    if isinstance(returned, dict):
        json = returned.get("json")
        returned = [returned if json or isinstance(json, dict | list) else {"json": returned}]
    if not isinstance(returned, list):
        raise Failed("executionData.every is not a function")
    if not all(isinstance(entry, dict) for entry in returned):
        raise Failed(NO_OBJECT, anonymous=False)
    try:
        items = with_json(returned)
    except CodeError as error:
        raise Failed(error.message) from error
    if not all(isinstance(item["json"], dict) for item in items):
        raise Failed(NO_OBJECT, anonymous=False)
    return items


def _object(returned: Any) -> dict[str, Any] | list[Any]:
    """What a Function Item returned. Raises Failed."""
    if returned is None:
        raise Failed("Cannot convert undefined or null to object")
    if not isinstance(returned, dict | list):
        raise Failed(NO_DATA, anonymous=False)
    return returned
