"""Sending the requests of HTTP Request, of all its versions: for all items, in batches, once more with a new token.

Knows calls and answers; how a version's parameters are read is the version's own business.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from app.engine.nodes.http_request.answers import Reading, check, memory_of, read_items, work_of
from app.engine.nodes.http_request.failures import RequestFailed, of_exception
from app.engine.nodes.http_request.parameter_values import work_of_request
from app.engine.run.computing import BYTES_OF_ONE, compute, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.items import Item
from app.outgoing.calls import Answer, Call
from app.outgoing.client import load_client
from app.outgoing.failures import network_failures

AT_ONCE = 50
"""Most requests that one node has under way."""

MAX_UNDER_WAY = 32 * 2**20
"""Bytes of their bodies beyond which no further request is made until one has its answer."""

DETAILED_SINCE = 4.5
"""The version of the node from which an item tells more of its error."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An item's request that is ready, and the bytes of its body."""

    send: Callable[[], Awaitable[list[Item]]]
    size: int = 0


Prepare = Callable[[int], Prepared]


@dataclass(slots=True)
class _UnderWay:
    """The bytes of the bodies that are being sent."""

    used: int = 0
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for_room(self) -> None:
        while self.used > MAX_UNDER_WAY:
            self.freed.clear()
            await self.freed.wait()

    @contextmanager
    def sending(self, size: int) -> Iterator[None]:
        self.used += size
        try:
            yield
        finally:
            self.used -= size
            self.freed.set()


class _Requests:
    """The requests of a node, some of which are under way."""

    def __init__(self, context: NodeContext, resolved: Sequence[Any], prepare: Prepare) -> None:
        self._context = context
        self._resolved = resolved
        self._prepare = prepare
        self._preparing = asyncio.Lock()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._under_way = _UnderWay()
        self._unprepared: list[NodeError] = []

    @property
    def refused(self) -> NodeError | None:
        """That of the first whose parameters make no request, unless the workflow goes on: nothing more is sent."""
        return self._unprepared[0] if self._unprepared and not self._context.continues_on_fail else None

    async def send(self, index: int) -> list[Item] | NodeError:
        """What came of an item's request, or how it failed. Raises the NodeError of parameters that make none."""
        async with self._gate:
            await yield_to_loop()
            prepared = await self._prepare_next(index)
            if prepared is None:
                return []
            try:
                with self._under_way.sending(prepared.size):
                    return await prepared.send()
            except NodeError as error:
                # What it has come through holds the body for as long as the error is kept.
                forget_frames(error)
                return error

    async def _prepare_next(self, index: int) -> Prepared | None:
        """An item's request, one after the other; None where an earlier one could not be made. Raises NodeError."""
        async with self._preparing:
            await self._under_way.wait_for_room()
            if self.refused:
                return None
            work = work_of_request(self._context.items[index], self._resolved[index])
            try:
                return await compute(self._prepare, index, size=work)
            except NodeError as error:
                self._unprepared.append(error)
                raise


async def in_batches(
    context: NodeContext, resolved: Sequence[Any], size: int, interval: float, prepare: Prepare
) -> list[Item]:
    """One request for each item, `size` at a time with `interval` seconds between; -1: all of them at once.

    `resolved` are the parameters of each item; `prepare` reads them and gives what sends its request. Raises the
    NodeError of the first item that failed, unless the workflow goes on after errors. Parameters that make no request
    come before requests that fail, because n8n reads on while the first requests are under way; nothing is sent for
    the items that follow.
    """
    count = len(context.items)
    step = size if size > 0 else count or 1
    requests = _Requests(context, resolved, prepare)
    output: list[Item] = []
    for start in range(0, count, step):
        if start:
            await asyncio.sleep(interval)
        batch = range(start, min(start + step, count))
        answers = await asyncio.gather(*(requests.send(index) for index in batch), return_exceptions=True)
        if requests.refused:
            raise requests.refused
        for index, answer in zip(batch, answers, strict=True):
            if not isinstance(answer, BaseException):
                output.extend(answer)
            elif isinstance(answer, NodeError) and context.continues_on_fail:
                told = await compute(_told, answer, context.version, size=_work_of_error(answer))
                output.append({"json": told, "pairedItem": {"item": index}})
            else:
                raise answer
    return output


def _told(error: NodeError, version: float) -> dict[str, Any]:
    """What an item carries of its error when the workflow goes on."""
    if not isinstance(error, RequestFailed):
        return {"error": error.message}
    return {"error": error.shown, **({"details": error.details()} if version >= DETAILED_SINCE else {})}


def _work_of_error(error: NodeError) -> int:
    """How much it is to read what an answer says of the error, in items that are computed."""
    refusal = error.refusal if isinstance(error, RequestFailed) else None
    return 0 if refusal is None else len(refusal.text) // BYTES_OF_ONE


@asynccontextmanager
async def answered(context: NodeContext, call: Call, reading: Reading, item: int) -> AsyncIterator[Answer]:
    """Send the request, and once more where its access token was refused and another one was had.

    The bytes of the answer count as they come, many may be under way, and for as long as this lasts; what they become
    counts until the node is through. Raises NodeError, in n8n's words, when no answer came, and TooMuchData.
    """
    received = Received(context)
    try:
        yield await _send(context, call, reading, item, received)
    finally:
        received.release()


@dataclass(slots=True)
class Received:
    """The bytes of an answer, counted as they come."""

    context: NodeContext
    size: int = 0

    def hold(self, size: int) -> None:
        """Count `size` bytes more. Raises TooMuchData where the run would hold too much."""
        self.context.hold(size)
        self.size += size

    def release(self) -> None:
        """Count all of them as gone, so that the node may hold as much again."""
        self.context.release(self.size)
        self.size = 0


async def _send(context: NodeContext, call: Call, reading: Reading, item: int, received: Received) -> Answer:
    await load_client()
    from app.outgoing.authentication import RenewableToken  # with httpx, which is loaded beside the loop

    call = replace(call, receive=received.hold)
    try:
        token = call.auth.token if isinstance(call.auth, RenewableToken) else ""
        answer = await context.outgoing.send(call)
        if isinstance(call.auth, RenewableToken) and await call.auth.renewed(answer.status, token):
            received.release()
            answer = await context.outgoing.send(call)
    except network_failures() as error:
        raise of_exception(error, call.url, item) from error
    # All answers are kept until the last has come, as what they become.
    context.hold(await compute(memory_of, answer, reading, size=work_of(answer)))
    return answer


async def send_one(context: NodeContext, call: Call, reading: Reading, item: int) -> list[Item]:
    """The items that come of an item's request. Raises NodeError."""
    async with answered(context, call, reading, item) as answer:
        await compute(check, answer, reading, item, size=work_of(answer))
        return await read_items(context, answer, reading, item)
