"""Computing beside the loop: it returns, it fails, it is stopped, and the loop turns meanwhile."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.run import computing
from app.engine.run.attempts import run_node
from app.engine.run.computing import FEW, NodeTurn, compute, current_turn, node_runs, yield_to_loop
from app.engine.run.errors import NodeError
from app.engine.run.meter import Meter
from tests.patience import PATIENCE_SECONDS, wait_until


def test_it_returns_and_raises_what_the_work_does() -> None:
    async def main() -> None:
        assert await compute(lambda a, b: a + b, 1, 2) == 3
        for size in (FEW, FEW + 1):
            with pytest.raises(ZeroDivisionError):
                await compute(lambda: 1 // 0, size=size)

    asyncio.run(main())


def test_few_items_are_computed_at_once_and_many_in_another_thread() -> None:
    async def main() -> None:
        assert await compute(threading.get_ident, size=FEW) == threading.get_ident()
        assert await compute(threading.get_ident, size=FEW + 1) != threading.get_ident()

    asyncio.run(main())


def test_what_is_cancelled_ends_though_it_would_go_on_for_ever() -> None:
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                sum(range(100))
        finally:
            ended.set()

    async def main() -> None:
        task = asyncio.create_task(compute(work))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, PATIENCE_SECONDS)

    asyncio.run(main())


def test_work_that_ends_as_it_is_cancelled_harms_no_later_one() -> None:
    async def one(number: int) -> None:
        task = asyncio.create_task(compute(sum, range(number * 50)))
        await asyncio.sleep(0)
        if number % 2:
            task.cancel()
            await asyncio.wait([task])
        else:
            assert await task == sum(range(number * 50))

    async def main() -> None:
        for _ in range(10):
            await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(main())


def test_a_node_can_be_told_from_its_tasks_and_from_nothing_else() -> None:
    async def seen() -> NodeTurn | None:
        return current_turn()

    async def main() -> None:
        turn = NodeTurn("Sort", "1")
        with node_runs(turn):
            assert await asyncio.create_task(seen()) == turn
            assert await compute(current_turn) == turn
            with node_runs(None):
                assert await seen() is None
        assert await seen() is None

    asyncio.run(main())


def test_breathing_lets_others_have_their_turn() -> None:
    turns: list[int] = []

    async def computing() -> None:
        for number in range(200):
            await yield_to_loop()
            busy_until = time.thread_time() + 0.001
            while time.thread_time() < busy_until:
                pass
            turns.append(number)

    async def other() -> int:
        await asyncio.sleep(0)
        return len(turns)

    async def main() -> list[Any]:
        return await asyncio.gather(computing(), other())

    _, seen = asyncio.run(main())
    assert seen < 200


class Made:
    """What a node has made when it fails."""


def run_uncollected(work: Coroutine[Any, Any, None]) -> None:
    """Run it without the collector, which would give circles back."""
    gc.disable()
    try:
        asyncio.run(work)
    finally:
        gc.enable()


@pytest.mark.parametrize("raised", [NodeError("too much"), KeyError("x"), computing.Interrupted("too long")])
@pytest.mark.parametrize("kept", [False, True])
def test_what_a_failed_computation_had_made_is_given_back_at_once(raised: BaseException, kept: bool) -> None:
    """Not when the collector comes by: failures that follow on each other would fill the worker's memory."""
    alive: list[weakref.ref[Made]] = []

    def work(error: BaseException) -> None:
        made = Made()
        alive.append(weakref.ref(made))
        raise error

    async def fail(_: Any) -> None:
        if not kept:
            return await compute(work, type(raised)(*raised.args))
        try:
            await compute(work, type(raised)(*raised.args))
        except BaseException as error:
            found = error  # in a circle with this frame
            raise found from error.__cause__

    async def run() -> None:
        execution = SimpleNamespace(id="1", ports=SimpleNamespace(meter=Meter()))
        context: Any = SimpleNamespace(held=0, release=lambda size: None, execution=execution)
        context.node = SimpleNamespace(name="A", type="a")
        with contextlib.suppress(NodeError):
            await run_node(context, fail)
        await asyncio.to_thread(lambda: wait_until(lambda: alive[0]() is None, pause=0.005))

    run_uncollected(run())


@pytest.mark.parametrize("raised", [ValueError, NodeError, computing.Interrupted])
def test_a_failed_computation_keeps_nothing_where_no_node_runs(raised: type[BaseException]) -> None:
    alive: list[weakref.ref[Made]] = []

    def work() -> None:
        made = Made()
        alive.append(weakref.ref(made))
        raise raised("too much")

    async def run() -> None:
        with contextlib.suppress(raised):
            await compute(work)
        await asyncio.to_thread(lambda: wait_until(lambda: alive[0]() is None, pause=0.005))

    run_uncollected(run())
