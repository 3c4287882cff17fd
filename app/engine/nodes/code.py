"""Code: the workflow's own JavaScript, run in the sandbox."""

from typing import Any

from app.engine.context import NodeContext
from app.engine.errors import CodeNodeError, NodeError
from app.engine.registry import Item, Outputs, node
from app.engine.sandbox import CodeError, SandboxError


@node("code", [1, 2])
async def code(context: NodeContext) -> Outputs:
    parameters = context.parameters
    if parameters.get("language", "javaScript") != "javaScript":
        raise NodeError("The Code node runs JavaScript only; Python is not supported.")
    source = str(parameters.get("jsCode") or "")
    each = parameters.get("mode", "runOnceForAllItems") == "runOnceForEachItem"
    try:
        return [await _run(context, source, context.scope([source]), each_item=each)]
    except CodeNodeError as error:
        if not context.continues_on_fail:
            raise
        if each:
            return [await _run_one_by_one(context, source)]
        return [[{"json": {"error": error.message}}]]


async def _run(context: NodeContext, source: str, scope: dict[str, Any], *, each_item: bool) -> list[Item]:
    try:
        result = await context.sandbox.run_code(source, scope, each_item=each_item)
    except CodeError as error:
        raise CodeNodeError(
            error.message, description=error.description, line=error.line, item_index=error.item_index
        ) from error
    except SandboxError as error:
        raise NodeError(str(error)) from error
    finally:
        context.keep_custom_data(scope)
    if result.console:
        context.metadata.setdefault("console", []).extend(result.console)
    return result.items


async def _run_one_by_one(context: NodeContext, source: str) -> list[Item]:
    """Each item by itself, so that one that fails is put out as an error and the others go on."""
    put_out: list[Item] = []
    for index in range(len(context.items)):
        scope = context.scope([source])
        scope["itemIndexes"] = [index]
        try:
            put_out.extend(await _run(context, source, scope, each_item=True))
        except CodeNodeError as error:
            put_out.append({"json": {"error": error.message}, "pairedItem": {"item": index}})
    return put_out
