"""What is known of results that are not recorded yet: how large they are, and which of them go alone."""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import psycopg
import pytest

from app.engine.run.memory_shares import MemoryShares
from app.repository.execution_data import Encoded
from app.repository.lifecycle import Result
from app.repository.static_data import StaticChange
from app.worker import unrecorded
from app.worker.alone import Alone
from app.worker.database import LARGE_BYTES
from app.worker.unrecorded import Unrecorded

LARGE = b" " * (LARGE_BYTES + 1)


class Seen(Result):
    """A result of which can be seen whether anybody still has it."""


def of(execution_id: int, data: bytes = LARGE, **more: Any) -> Result:
    return Seen(execution_id, "success", "manual", data, **more)


@pytest.mark.parametrize("data", [b"d" * 1_000, Encoded("zstd", b"d" * 600, 9_000, index=b"i" * 400)])
def test_all_that_may_be_long_in_a_result_is_counted(data: bytes | Encoded) -> None:
    kept = (StaticChange("w1", "global", b"s" * 30), StaticChange("w1", "node:A", b"s" * 3))
    parts = {"answer": b"a" * 200, "waiting_node": b"w" * 20_000, "input_preview": b"p" * 4_000}
    assert unrecorded.size_of(Result(1, "waiting", "manual", data, static_data=kept, **parts)) == 25_233


def test_no_execution_is_recorded_before_a_large_part_of_it() -> None:
    async def go() -> None:
        results = Unrecorded(MagicMock())
        part, middle, whole, other = of(3), of(2, b"{}"), of(1, b"{}"), of(4, b"{}")
        results.add(part, [1, 2])
        results.add(middle, [1])
        results.add(other)
        assert results.take() == [other]
        assert await results.take_large() == part
        await results.drop([part])
        results.add(whole)
        async with results.claiming() as unclaimed:
            assert unclaimed == [2, 1]
        assert await results.take_large() == middle
        results.give_back([middle])
        assert (await results.take_large(), results.take()) == (middle, [])
        await results.drop([middle])
        assert await results.take_large() == whole
        await results.drop([whole])
        results.add(whole)
        assert results.take() == [whole]

    asyncio.run(go())


def test_what_is_given_back_comes_after_the_others_but_before_what_it_is_a_part_of() -> None:
    async def go() -> None:
        results = Unrecorded(MagicMock())
        part, whole, other = of(3), of(1, b"{}"), of(4)
        for result, above in ((part, [1]), (whole, []), (other, [])):
            results.add(result, above)
        assert await results.take_large() == part
        results.give_back([part])
        taken = [await results.take_large() for _ in range(2)]
        assert taken == [other, part]
        results.give_back([part])
        await results.drop([other])
        assert await results.take_large() == part
        await results.drop([part])
        assert await results.take_large() == whole

    asyncio.run(go())


def test_no_execution_waits_for_a_large_record_of_another_part_of_the_same_whole() -> None:
    results = Unrecorded(MagicMock())
    sibling, below_it = of(3, b"{}"), of(4, b"{}")
    results.add(of(2), [1])
    results.add(below_it, [1, 3])
    results.add(sibling, [1])
    assert results.take() == [below_it, sibling]


def test_only_what_is_large_keeps_its_place() -> None:
    """The executions above it, which wait for its record, have no use for theirs."""
    results = Unrecorded(MagicMock())
    assert [results.add(of(2), [1]), results.add(of(1, b"{}")), results.add(of(3, b"{}"))] == [True, False, False]


@pytest.mark.parametrize("data", [b"{}", LARGE], ids=["small", "large"])
def test_what_is_handed_to_another_worker_waits_for_no_part_of_it(data: bytes) -> None:
    async def go() -> None:
        results = Unrecorded(MagicMock())
        handed = of(1, data)
        results.add(of(2), [1])
        results.add(handed, handed=True)
        assert handed in [*results.take(), await results.take_large()]

    asyncio.run(go())


def test_what_the_next_execution_goes_by_is_not_recorded_later_than_its_claim() -> None:
    results = Unrecorded(MagicMock())
    keeping = of(1, static_data=(StaticChange("w1", "global", b"{}"),))
    assert not results.add(keeping)
    assert results.take() == [keeping]


def test_nothing_is_recorded_alone_while_a_claim_lasts_that_knows_nothing_of_it() -> None:
    """It could be recorded, its answer lost, and what waits be claimed before it is sent once more."""

    async def go() -> None:
        results = Unrecorded(MagicMock())
        async with results.claiming() as unclaimed:
            results.add(of(1))
            taking = asyncio.ensure_future(results.take_large())
            for _ in range(5):
                await asyncio.sleep(0)
            assert (unclaimed, taking.done()) == ([], False)
        assert (await taking).id == 1

    asyncio.run(go())


def test_what_is_recorded_is_told_of_before_it_is_let_go_and_then_kept_by_nobody() -> None:
    async def go() -> None:
        shares = MemoryShares(2**30, 1)
        results = Unrecorded(MagicMock(), shares)
        told: list[int] = []
        failures: list[Exception] = [psycopg.OperationalError("lost")]

        async def in_thread(record: Callable[[], Any]) -> set[int]:
            if failures:
                raise failures.pop()
            return {1}

        async def tell(*_: Any) -> None:
            told.append(len(results))

        async def nothing(*_: Any) -> None:
            await results.drop(_[0])

        parts: Any = MagicMock()
        parts.held.unrecorded, parts.held.let_go, parts.large_records.in_thread = results, nothing, in_thread
        pause: Any = MagicMock(side_effect=lambda _: asyncio.sleep(0))
        recording = asyncio.ensure_future(
            Alone(parts, MagicMock(), 1, MagicMock(lost=False), MagicMock(), tell, pause).run()
        )
        kept = of(1)
        seen = weakref.ref(kept)
        results.add(kept)
        del kept
        while len(results):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        recording.cancel()
        assert (told, seen()) == ([1], None)

    asyncio.run(go())
