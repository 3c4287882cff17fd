"""Runs one node, and retries it where it may be retried. An unexpected exception becomes an error of the node."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from app.engine.run.computing import Interrupted, NodeTurn, node_runs
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, WaitRequested, forget_frames
from app.engine.run.items import Outputs
from app.engine.run.state import Task
from app.engine.run.tries import Tries, failure_in

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
    if node.tries == 1:
        return await run_node(context, node.kind.run)
    return await _try_again(context, Tries(context, task))


async def _try_again(context: NodeContext, tries: Tries) -> Outputs | EngineRequest | None:
    """What comes of the first try that succeeds, or of the last one."""
    while True:
        tries.begin()
        try:
            outputs = await run_node(context, context.node.kind.run)
        except NodeError as error:
            tries.end(error.message)
            if not tries.left:
                raise
        except WaitRequested:
            tries.end(None)
            raise
        else:
            failure = failure_in(outputs)
            tries.end(failure)
            if failure is None or not tries.left:
                return outputs
        await asyncio.sleep(context.node.retry_seconds)


async def run_node(
    context: NodeContext, run: Callable[[NodeContext], Awaitable[Outputs | EngineRequest | None]]
) -> Outputs | EngineRequest | None:
    """Run a node once. Whatever it raises is a NodeError, or the end of a wait or of the execution.

    What was too much for the run is no fault of one item, without which a node could go on.
    """
    meter = context.execution.ports.meter
    meter.refused = None
    try:
        with node_runs(NodeTurn(context.node.name, context.execution.id)):
            outputs = await run(context)
        if meter.refused is not None:
            raise meter.refused.copy()
        return outputs
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
        if context.held:
            context.release(context.held)
