"""Runs one node, again where it may try again; what fails in it without a word becomes an error of the node."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from app.engine.run.computing import Interrupted, NodeTurn, node_runs
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError
from app.engine.run.items import Outputs
from app.engine.run.state import Task

log = logging.getLogger(__name__)


async def run_attempts(context: NodeContext, task: Task) -> Outputs | EngineRequest | None:
    """What a node gives: its pinned items, what it passes on after a wait, or what one of its tries comes to.

    Raises what `run_node` does.
    """
    node = context.node
    if task.resumed or node.disabled:
        return context.inputs[:1]
    pinned = context.state.pin_data.get(node.name)
    if pinned is not None and not task.given:
        return [[dict(item) for item in pinned]]
    if node.kind.poll is not None and task.sources is None and not task.given:
        # Run by hand: it shows what it would find. When it is time for it to look, its items are given.
        return await run_node(context, node.kind.poll) or [[]]
    for _ in range(1, node.tries):
        try:
            outputs = await run_node(context, node.kind.run)
            if not _begins_with_error(outputs):
                return outputs
        except NodeError:
            pass
        await asyncio.sleep(node.retry_seconds)
    return await run_node(context, node.kind.run)


def _begins_with_error(outputs: Outputs | EngineRequest | None) -> bool:
    """Whether to try again although the node went on: the first item at its first output stands for an error."""
    first = outputs[0][:1] if outputs and not isinstance(outputs, EngineRequest) else []
    error = first[0]["json"].get("error") if first and isinstance(first[0]["json"], dict) else None
    return error is not None and error is not False


async def run_node(
    context: NodeContext, run: Callable[[NodeContext], Awaitable[Outputs | EngineRequest | None]]
) -> Outputs | EngineRequest | None:
    """Run a node once. Whatever it raises is a NodeError, or the end of a wait or of the execution."""
    try:
        with node_runs(NodeTurn(context.node.name, context.execution.id)):
            return await run(context)
    except NodeError as error:
        forget_frames(error)
        raise
    except Interrupted as error:
        forget_frames(error)
        raise NodeError(f"Node '{context.node.name}' was ended: {error.message}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
        where = {"type": context.node.type, "cause": type(error).__name__, "file": place.filename, "line": place.lineno}
        forget_frames(error)
        log.warning("node failed unexpectedly", extra=where)  # without its message, which may hold what the node holds
        raise NodeError(
            f"Node '{context.node.name}' could not make sense of its parameters or its input.",
            description="A value has a type or a form that the node does not expect.",
        ) from error
    finally:
        context.release(context.held)


def forget_frames(error: BaseException) -> None:
    """Let go of what an exception, and those that it came from, hold by their tracebacks.

    A frame that raises what it has in a variable stands in a circle with it, and with all that a node had made. That
    would stay until the collector comes by.
    """
    due: list[BaseException | None] = [error]
    while due:
        each = due.pop()
        if each is not None and each.__traceback__ is not None:
            each.__traceback__ = None
            due += [each.__cause__, each.__context__]
