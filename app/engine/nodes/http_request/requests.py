"""Sending the requests of HTTP Request, of all its versions: for all items, in batches, once more with a new token.

Knows calls and answers; how a version's parameters are read is the version's own business.
"""

import asyncio
from collections.abc import Awaitable, Callable

from app.engine.nodes.http_request.answers import Reading, check, read_items
from app.engine.nodes.http_request.failures import RequestFailed, of_exception
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import estimate
from app.outgoing.client import Answer, Call
from app.outgoing.failures import network_failures

AT_ONCE = 50
"""Most requests that one node has under way."""

Send = Callable[[], Awaitable[list[Item]]]
Prepare = Callable[[int], Send]


async def in_batches(context: NodeContext, size: int, interval: float, prepare: Prepare) -> list[Item]:
    """One request for each item, `size` at a time with `interval` seconds between; -1: all of them at once.

    `prepare` reads an item's parameters and gives what sends its request. Raises the NodeError of the first item that
    failed, unless the workflow goes on after errors. Parameters that make no request come before requests that fail,
    because n8n reads on while the first requests are under way; nothing is sent for the items that follow.
    """
    count = len(context.items)
    step = size if size > 0 else count or 1
    gate = asyncio.Semaphore(AT_ONCE)
    unprepared: list[NodeError] = []

    async def gated(index: int) -> list[Item]:
        async with gate:
            if unprepared and not context.continues_on_fail:
                return []
            try:
                send_prepared = prepare(index)
            except NodeError as error:
                unprepared.append(error)
                raise
            return await send_prepared()

    output: list[Item] = []
    for start in range(0, count, step):
        if start:
            await asyncio.sleep(interval)
        batch = range(start, min(start + step, count))
        answers = await asyncio.gather(*(gated(index) for index in batch), return_exceptions=True)
        if unprepared and not context.continues_on_fail:
            raise unprepared[0]
        for index, answer in zip(batch, answers, strict=True):
            if not isinstance(answer, BaseException):
                output.extend(answer)
            elif isinstance(answer, NodeError) and context.continues_on_fail:
                shown = answer.shown if isinstance(answer, RequestFailed) else answer.message
                output.append({"json": {"error": shown}, "pairedItem": {"item": index}})
            else:
                raise answer
    return output


async def send(context: NodeContext, call: Call, item: int) -> Answer:
    """Send the request, and once more where its access token was refused and another one was had.

    Raises NodeError, in n8n's words, when no answer came.
    """
    from app.outgoing.authentication import RenewableToken  # with httpx: nothing may have been sent yet

    try:
        token = call.auth.token if isinstance(call.auth, RenewableToken) else ""
        answer = await context.outgoing.send(call)
        if isinstance(call.auth, RenewableToken) and await call.auth.renewed(answer.status, token):
            answer = await context.outgoing.send(call)
        # All answers are kept until the last has come, as what they become.
        context.hold(estimate(answer.content))
        return answer
    except network_failures() as error:
        raise of_exception(error, call.url, item) from error


async def send_one(context: NodeContext, call: Call, reading: Reading, item: int) -> list[Item]:
    """The items that come of an item's request. Raises NodeError."""
    answer = await send(context, call, item)
    check(answer, reading, item)
    return await read_items(answer, reading, item, context.items[item])
