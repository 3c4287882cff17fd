"""Nodes of packages that start workflows with what comes in, over a connection of their own or with calls."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import orjson

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Outputs
from app.engine.run.memory import estimate
from app.engine.run.node_types import Emit
from app.packages.action import read_outputs, request_of, take_answer
from app.packages.host import ACTING, ARRANGING, LISTENING
from app.packages.host_calls import call_host, node_error, owner_of
from app.packages.host_errors import HostError
from app.packages.runtime import PackageRuntime
from app.packages.surroundings import Surroundings
from app.triggers.packaged import CALL, PackagedWebhook

Json = dict[str, Any]
LISTENING_SECONDS = 30 * 24 * 3600.0
"""How long one call may hold a connection; after that it is made anew."""
PROVIDER_SECONDS = 55.0
"""How long a provider may take: a little less than whoever has something arranged with it waits."""
STARTED: Json = {"body": {"message": "Workflow was started"}}
EMITS = b'"name":"emit"'


async def listen(packages: PackageRuntime, context: NodeContext, emit: Emit) -> None:
    """Hold the node's connection until cancelled or broken. Raises NodeError, and what `emit` raises."""
    told = await packages.describe(context)
    surroundings = Surroundings(context, told["credentialTypes"], packages.tokens, packages.describe)
    emitting = Emitting(context, surroundings, emit)
    request = request_of(context, "trigger", told)
    calling = asyncio.ensure_future(
        packages.host.call(
            request,
            emitting.ask,
            surroundings.channel,
            LISTENING_SECONDS,
            **owner_of(context, LISTENING),
            mode=LISTENING,
            admit=context.admit,
        )
    )
    try:
        ends: list[asyncio.Future[Any]] = [calling, emitting.refused]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if emitting.refused.done():
            await emitting.refused
        answer = await calling
    except HostError as error:
        raise node_error(error, context) from error
    finally:
        calling.cancel()
        emitting.refused.cancel()
        with suppress(asyncio.CancelledError, HostError):
            await calling
    take_answer(context, surroundings, answer)


async def arrange(packages: PackageRuntime, context: NodeContext, action: str, urls: dict[str, str]) -> None:
    """Have the provider call the node's addresses, or not any more. Raises NodeError."""
    request = {"action": action, "webhookUrls": urls}
    await _call(packages, context, "arrange", request, mode=ARRANGING, service_seconds=PROVIDER_SECONDS)


async def take_call(packages: PackageRuntime, context: NodeContext) -> Outputs | None:
    """What the node makes of a call; its caller is answered. Raises NodeError."""
    came = context.items[0]["json"][CALL]
    called = PackagedWebhook.from_json(came)
    request = {"webhook": came, "webhookUrls": dict(called.urls)}
    answer = await _call(packages, context, "webhook", request)
    said, respond = answer.get("response"), context.execution.ports.respond
    outputs = read_outputs(answer.get("outputs"))
    if respond is not None:
        if isinstance(said, dict):
            await respond(said)
        elif outputs is None or called.response_mode not in ("lastNode", "responseNode"):
            await respond(STARTED)
    return outputs


async def _call(
    packages: PackageRuntime,
    context: NodeContext,
    kind: str,
    more: Json,
    *,
    mode: str = ACTING,
    service_seconds: float | None = None,
) -> Json:
    told = await packages.describe(context)
    surroundings = Surroundings(context, told["credentialTypes"], packages.tokens, packages.describe)
    request = {**request_of(context, kind, told), **more}
    answer = await call_host(packages.host, context, surroundings, request, mode=mode, service_seconds=service_seconds)
    return take_answer(context, surroundings, answer)


class Emitting:
    """Answers what a listening call asks: that what it has heard is recorded, and all that other calls ask.

    `refused` fails with what cannot be recorded.
    """

    def __init__(self, context: NodeContext, surroundings: Surroundings, emit: Emit) -> None:
        self._context = context
        self._surroundings = surroundings
        self._emit = emit
        # One after the other: what was heard first is recorded first.
        self._turn = asyncio.Lock()
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask(self, question: bytes) -> bytes:
        """The reply to a question of the call."""
        if EMITS not in question[:64]:
            return await self._surroundings.ask(question)
        self._surroundings.channel.touched = True
        with self._context.holding(estimate(question)):
            return await self._take(orjson.loads(question))

    async def _take(self, asked: Json) -> bytes:
        try:
            async with self._turn:
                await self._record(asked.get("given") or {})
        except NodeError as error:
            return orjson.dumps({"call": asked.get("call"), "error": {"message": error.message}})
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self.refused.done():
                self.refused.set_exception(error)
            return orjson.dumps({"call": asked.get("call"), "error": {"message": "It cannot be recorded"}})
        return orjson.dumps({"call": asked.get("call"), "result": {}})

    async def _record(self, given: Json) -> None:
        outputs = read_outputs(given.get("outputs"))
        if isinstance(static_data := given.get("staticData"), dict):
            self._context.state.static_data.take(self._context.node.name, static_data)
        await self._emit(outputs or [])
