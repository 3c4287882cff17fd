"""Code: the workflow's own JavaScript, run in the sandbox."""

from app.engine.nodes.code.helpers import CodeHelpers
from app.engine.run.context import NodeContext
from app.engine.run.errors import CodeNodeError, NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_own_program
from app.engine.run.registry import node
from app.engine.sandbox import CodeError, SandboxError
from app.engine.values import conversions

PYTHON = ("python", "pythonNative")
MODES = ("runOnceForAllItems", "runOnceForEachItem")


@node("code", [1, 2], exact=True)
async def code(context: NodeContext) -> Outputs:
    parameters = context.parameters
    language = conversions.to_string(parameters.get("language", "javaScript")).removeprefix("=")
    if language in PYTHON:
        raise NodeError("The Code node runs JavaScript only; Python is not supported.")
    if language != "javaScript":
        raise NodeError(f"Unsupported language: {language}", anonymous=True)
    mode = parameters.get("mode", MODES[0])
    if mode not in (*MODES, None) and not str(mode).startswith("="):
        raise NodeError(f"The mode '{conversions.display(mode)}' of a Code node is not supported.")
    source = str(parameters.get("jsCode") or "")
    if not source:
        raise CodeNodeError("Unknown error")
    each = mode == MODES[1]
    try:
        return [await _run(context, source, each_item=each)]
    except CodeNodeError as error:
        if not context.continues_on_fail or error.malformed:
            raise
        said = {"error": error.message}
        if each:  # a program that cannot even be read fails for each of them
            return [[{"json": dict(said), "pairedItem": {"item": index}} for index in range(len(context.items))]]
        return [[{"json": said}]]


async def _run(context: NodeContext, source: str, *, each_item: bool) -> list[Item]:
    """The items that the program gives; run for each item, one that fails is an error item if the node goes on."""
    going_on = each_item and context.continues_on_fail
    try:
        async with CodeHelpers(context) as helpers:
            result = await run_own_program(
                context, source, each_item=each_item, continue_on_fail=going_on, helpers=helpers
            )
    except CodeError as error:
        raise CodeNodeError(
            error.message,
            description=error.description,
            line=error.line,
            item_index=error.item_index,
            malformed=error.malformed,
        ) from error
    except SandboxError as error:
        raise NodeError(str(error)) from error
    if result.console:
        context.metadata.setdefault("console", []).extend(result.console)
    return result.items
