"""HTTP Request: how many requests are under way at once, and what they and their answers hold in memory."""

import asyncio
import json
import weakref
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.nodes.http_request.answers import Reading, items_of, memory_of
from app.engine.nodes.http_request.requests import AT_ONCE, MAX_UNDER_WAY, Prepared, answered, in_batches, send_one
from app.engine.run.errors import NodeError
from app.engine.run.meter import Meter, TooMuchData
from app.outgoing.calls import Answer, Call


@pytest.mark.parametrize(("size", "most"), [(10, AT_ONCE), (MAX_UNDER_WAY // 4, 5), (MAX_UNDER_WAY + 1, 1)])
def test_few_requests_with_large_bodies_are_under_way(size: int, most: int) -> None:
    under_way, counts = 0, []

    async def send() -> list[Any]:
        nonlocal under_way
        under_way += 1
        counts.append(under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return [{"json": {}}]

    context: Any = SimpleNamespace(items=[{"json": {}}] * 2 * AT_ONCE, continues_on_fail=False)
    made = asyncio.run(in_batches(context, [{}] * 2 * AT_ONCE, -1, 0, lambda index: Prepared(send, size)))
    assert len(made) == 2 * AT_ONCE
    assert max(counts) == most


def test_an_item_that_failed_keeps_no_body() -> None:
    class Body:
        pass

    bodies = weakref.WeakSet()
    most = 0

    def prepare(index: int) -> Prepared:
        nonlocal most
        body = Body()
        bodies.add(body)
        most = max(most, len(bodies))

        async def send() -> list[Any]:
            assert body
            raise NodeError("refused") from OSError("gone")

        return Prepared(send)

    context: Any = SimpleNamespace(items=[{"json": {}}] * 200, continues_on_fail=True, version=4)
    made = asyncio.run(in_batches(context, [{}] * len(context.items), -1, 0, prepare))
    assert [item["json"] for item in made] == [{"error": "refused"}] * 200
    assert most <= AT_ONCE


def test_what_an_answer_becomes_is_counted_before_it_is_there() -> None:
    text = Answer(200, "OK", {"content-type": "text/plain"}, b"x" * 10**6 + "😀".encode(), "http://a.example")
    assert memory_of(text, Reading()) > 4 * 10**6
    assert memory_of(text, Reading("file")) < 1.4 * 10**6
    numbers = Answer(200, "OK", {"content-type": "application/json"}, b"[" + b"1," * 10_000 + b"1]", text.url)
    assert memory_of(numbers, Reading()) < 10**6
    with pytest.raises(TooMuchData):
        items_of(numbers, Reading(), 0, {"json": {}}, Meter(limit=10**6).check)
    assert len(items_of(numbers, Reading(), 0, {"json": {}}, Meter(limit=10**7).check)) == 10_001


def test_the_bytes_of_an_answer_count_while_it_comes() -> None:
    meter, taken = Meter(1_000), 0

    class Context:
        held = 0

        class outgoing:
            @staticmethod
            async def send(call: Call) -> None:
                nonlocal taken
                for _ in range(100):
                    call.receive(300)
                    taken += 300

        def hold(self, size: int) -> None:
            meter.check(self.held + size)
            self.held += size

        def release(self, size: int) -> None:
            self.held -= size

    context: Any = Context()

    async def ask() -> None:
        async with answered(context, Call("GET", "http://a.example"), Reading(), 0):
            pass

    with pytest.raises(TooMuchData):
        asyncio.run(ask())
    assert (taken, context.held) == (900, 0)


def test_what_an_error_says_at_length_is_read_in_a_thread(beside: list[str]) -> None:
    said = {"error": "x" * 2**21}
    answer = Answer(500, "No", {"content-type": "application/json"}, json.dumps(said).encode(), "http://a.example")

    class Answering:
        async def send(self, call: Call) -> Answer:
            return answer

    ways = {"outgoing": Answering(), "hold": lambda size: None, "release": lambda size: None}
    context: Any = SimpleNamespace(items=[{"json": {}}], continues_on_fail=True, version=4.5, **ways)
    send = partial(send_one, context, Call("GET", answer.url), Reading(), 0)
    [item] = asyncio.run(in_batches(context, [{}], -1, 0, lambda index: Prepared(send)))
    assert item["json"]["details"]["body"] == said
    assert {"check", "_told"} <= set(beside)
