"""Tokens that credentials fetch before their use: who fetches one, who waits, and what comes of a fetch that fails."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import orjson
import psycopg
import pytest

from app.packages import tokens as tokens_module
from app.packages.surroundings import Surroundings
from app.packages.tokens import Tokens
from tests.patience import PATIENCE_SECONDS

NEVER = 1e6
ASKED = {"type": "t", "field": "token", "refused": "old"}


def call_with(tokens: Tokens, call: Surroundings | None = None) -> Surroundings:
    """A call of a node with this credential, or what a sub-node of that call asks."""
    context = MagicMock(credential=AsyncMock(return_value={"token": "old"}))
    context.execution.ports.meter.room = 1_000_000
    context.execution.ports.begin_fetch = None
    context.node.document = {"credentials": {"t": {"id": "c"}}}
    return Surroundings(context, {"t": {}}, tokens, MagicMock(), call=call)


async def ask(call: Surroundings, name: str, **given: Any) -> Any:
    asked = {"call": 1, "name": name, "given": {**ASKED, **given}}
    return (orjson.loads(await call.ask(orjson.dumps(asked)))["result"] or {}).get("data")


@pytest.mark.parametrize(
    ("end", "others", "seconds"),
    [
        (lambda call: ask(call, "keepCredential", data={"token": "new"}), {"token": "new"}, NEVER),
        (lambda call: ask(call, "keepCredential", data={"token": "old"}), {"token": "old"}, NEVER),
        (lambda call: ask(call, "keepCredential", data=None), None, NEVER),
        (lambda call: asyncio.sleep(0), None, 0.01),
    ],
    ids=["with another one", "with the same one", "with an error", "too late"],
)
def test_one_call_fetches_and_others_wait_until_it_has_ended(end, others, seconds, monkeypatch) -> None:
    """Where it has got nothing, each of the others does so for itself, and none waits for the rest of them."""

    async def main() -> None:
        tokens = Tokens(10)
        first, *rest = [call_with(tokens) for _ in range(3)]
        assert await ask(first, "fetchCredential") is None
        waiting = [asyncio.ensure_future(ask(call, "fetchCredential")) for call in rest]
        for _ in range(20):
            await asyncio.sleep(0)
        await end(first)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await asyncio.gather(*waiting) == [others] * 2

    monkeypatch.setattr(tokens_module, "FETCH_SECONDS", seconds)
    asyncio.run(main())


def test_what_a_sub_node_has_begun_ends_with_the_call_of_its_node(monkeypatch) -> None:
    async def main() -> None:
        tokens = Tokens(10)
        call, other = call_with(tokens), call_with(tokens)
        assert await ask(call_with(tokens, call), "fetchCredential") is None
        waiting = asyncio.ensure_future(ask(other, "fetchCredential"))
        for _ in range(20):
            await asyncio.sleep(0)
        call.channel.detach()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await waiting is None

    monkeypatch.setattr(tokens_module, "FETCH_SECONDS", NEVER)
    asyncio.run(main())


async def begin_to_wait(calls: list[Surroundings]) -> list[asyncio.Future[Any]]:
    """What each of them is told who asks while another one is at it."""
    waiting = [asyncio.ensure_future(ask(call, "fetchCredential")) for call in calls]
    for _ in range(20):
        await asyncio.sleep(0)
    return waiting


@pytest.mark.parametrize(
    "end",
    [
        lambda call, asked, begun: begun.set_exception(psycopg.OperationalError("is away")),
        lambda call, asked, begun: (asked.cancel(), call.channel.detach()),
        lambda call, asked, begun: (
            begun.set_result(MagicMock()),
            asked.add_done_callback(lambda done: call.channel.detach()),
        ),
    ],
    ids=["PostgreSQL is away", "it is stopped before it fetches", "it is stopped while it fetches"],
)
def test_a_turn_of_which_nothing_came_is_taken_by_one_of_those_who_wait(end, monkeypatch) -> None:
    """No service has refused anything: many that log in at once would be too many for it."""

    async def main() -> None:
        tokens = Tokens(10)
        first, *rest = [call_with(tokens) for _ in range(4)]
        begun = asyncio.get_running_loop().create_future()
        first._context.execution.ports.begin_fetch = lambda *given: begun
        [asked] = await begin_to_wait([first])
        waiting = await begin_to_wait(rest)
        end(first, asked, begun)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait([asked])
            [next_one], others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
            assert (await next_one, [each.done() for each in others]) == (None, [False] * 2)
            await ask(rest[waiting.index(next_one)], "keepCredential", data={"token": "new"})
            assert await asyncio.gather(*others) == [{"token": "new"}] * 2

    monkeypatch.setattr(tokens_module, "FETCH_SECONDS", NEVER)
    asyncio.run(main())


def test_others_wait_also_while_a_call_waits_for_its_turn_among_workers(monkeypatch) -> None:
    """The time that it may take to fetch begins after that."""

    async def main() -> None:
        tokens = Tokens(10)
        first, second = call_with(tokens), call_with(tokens)
        begun = asyncio.get_running_loop().create_future()
        first._context.execution.ports.begin_fetch = lambda *given: begun
        asked, waiting = await begin_to_wait([first, second])
        await asyncio.sleep(0.01)
        assert not waiting.done()
        begun.set_result(MagicMock())
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await asyncio.gather(asked, waiting) == [None, None]

    monkeypatch.setattr(tokens_module, "FETCH_SECONDS", 0)
    asyncio.run(main())
