"""Runs JavaScript for a node: a program of the workflow's own, or one of ours over rows that the node has made."""

from typing import Any, Protocol

from app.engine.run.computing import compute, count_work
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.static_data import run_until_kept
from app.engine.sandbox import CodeError, CodeResult, ExpressionError, SandboxError

ASKS_FOR_STATIC_DATA = "orkflowStaticData"
NOTHING_KEPT = "Other executions change the workflow's static data all the time, so nothing was kept of it."

SIGNS = 4
"""What a value takes at least where it is written, with what parts it from the next one."""


class Helpers(Protocol):
    """What answers a program of the workflow's own while it runs."""

    async def ask(self, question: bytes) -> bytes:
        """The reply, both JSON. A question that a run before this one has asked is not acted on again."""

    def begin_again(self) -> None:
        """The program runs again, because what it had read has changed."""


async def evaluate_javascript(context: NodeContext, template: str, rows: list[dict[str, Any]]) -> list[Any]:
    """Evaluate one expression of ours for each of `rows`, which it sees as $json.

    For what only JavaScript does as JavaScript does, such as its regular expressions. Raises NodeError where it fails.
    """
    try:
        with context.holding(await measure(context, rows)):
            scope = context.rows_scope(rows)
            return [row[0] for row in await context.sandbox.evaluate([template], scope, admit=context.admit)]
    except (ExpressionError, SandboxError) as error:
        raise context.expression_error(error, None) from error


async def run_program(
    context: NodeContext, source: str, rows: list[dict[str, Any]], *, compiles: bool = False
) -> list[dict[str, Any]]:
    """Run a program of ours (see app.engine.sandbox.bundles) over `rows`; one answer each, {"made"} or {"failed"}.

    `compiles`: one of its libraries writes programs itself.
    Raises NodeError when the program does not come to its end.
    """
    try:
        with context.holding(await measure(context, rows)):
            result = await context.sandbox.run_code(
                source, context.rows_scope(rows), compiles=compiles, admit=context.admit
            )
    except CodeError as error:
        raise NodeError(error.message) from error
    except SandboxError as error:
        raise NodeError(str(error)) from error
    return [item["json"] for item in result.items]


async def measure(context: NodeContext, rows: list[dict[str, Any]]) -> int:
    """About the length of the rows as JSON, in which what stands in many is written as often."""
    return await compute(_length, rows, context.execution.ports.meter.room, size=count_work(rows))


def _length(rows: list[dict[str, Any]], most: int) -> int:
    """About the length of the rows as they are sent, for which what stands in many is written as often.

    Not counted on beyond `most`.
    """
    total = 0
    known: dict[int, int] = {}
    for row in rows:
        for value in row.values():
            if isinstance(value, str):
                total += len(value)
            elif isinstance(value, dict | list):
                if (size := known.get(id(value))) is None:
                    size = known[id(value)] = _length_of(value)
                total += size
        if total > most:
            break
    return total


def _length_of(value: Any) -> int:
    total, stack = 0, [value]
    while stack:
        each = stack.pop()
        inner = each.values() if isinstance(each, dict) else each
        total += SIGNS * len(each)
        for child in inner:
            if isinstance(child, str):
                total += len(child)
            elif isinstance(child, dict | list):
                stack.append(child)
    return total


async def run_own_program(
    context: NodeContext, source: str, *, each_item: bool, continue_on_fail: bool, helpers: Helpers | None = None
) -> CodeResult:
    """Run a program of the workflow's own, with all that it may keep; `helpers` answers what it asks.

    Where other executions may have changed the workflow's static data since the program began to read it, it is
    run again, so that no change is lost. A program that throws has changed nothing, unless its node goes on.
    Raises CodeError, SandboxError, and NodeError where that goes on.
    """
    store = context.execution.ports.static_data

    async def run() -> CodeResult | CodeError:
        try:
            return await _run_once(context, source, each_item, continue_on_fail, helpers)
        except CodeError as error:
            return error

    if store is None or ASKS_FOR_STATIC_DATA not in source:
        result: CodeResult | CodeError | None = await run()
    else:
        begin_again = None if helpers is None else helpers.begin_again
        result = await run_until_kept(store, context.state.static_data, run, begin_again)
    if result is None:
        raise NodeError(NOTHING_KEPT)
    if isinstance(result, CodeError):
        raise result
    return result


async def _run_once(
    context: NodeContext, source: str, each_item: bool, continue_on_fail: bool, helpers: Helpers | None
) -> CodeResult:
    scope = await context.scope([source], list(context.items))
    try:
        result = await context.sandbox.run_code(
            source,
            scope,
            each_item=each_item,
            continue_on_fail=continue_on_fail,
            ask=None if helpers is None else helpers.ask,
            admit=context.admit,
        )
    except CodeError as error:
        if not error.is_thrown or (context.continues_on_fail and not error.malformed):
            context.state.static_data.take(context.node.name, scope["staticData"])
        raise
    finally:
        context.keep_custom_data(scope)
    context.state.static_data.take(context.node.name, scope["staticData"])
    return result
