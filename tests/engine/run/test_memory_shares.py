"""The memory of all runs of one worker: shared out, and given back."""

import asyncio

import pytest

from app.binary_files import named_file
from app.engine.run.memory_shares import SMALL_RECORD, MemoryShares, TooMuchTogether
from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from tests.engine.running import Engine
from tests.workflows import START, chain, node

MIB = 2**20
ALL = "executions of all projects takes more memory of its worker than it may: 80 MiB"
PROJECT = "executions of this project takes more memory of its worker than it may: 60 MiB"


@pytest.fixture
def shares() -> MemoryShares:
    return MemoryShares(80 * MIB, runs=10)


def meter(shares: MemoryShares, project: str) -> Meter:
    return Meter(1_000 * MIB, share=shares.of_run(project))


def test_a_project_leaves_some_to_others_and_small_runs_always_go_on(shares: MemoryShares) -> None:
    first, second, other = meter(shares, "alpha"), meter(shares, "alpha"), meter(shares, "beta")
    first.add(50 * MIB)
    assert second.room == 10 * MIB
    with pytest.raises(TooMuchTogether, match=PROJECT):
        second.add(11 * MIB)
    other.add(30 * MIB)
    with pytest.raises(TooMuchTogether, match=ALL):
        other.add(1)
    assert shares.tight
    with pytest.raises(TooMuchTogether, match=ALL):
        second.add(3 * MIB)
    second.add(2 * MIB)
    first.end()
    second.add(20 * MIB)
    for each in (second, other):
        each.end()
    assert (shares.used, shares.tight) == (0, False)


def test_what_parts_and_nodes_hold_is_counted_and_given_back(shares: MemoryShares) -> None:
    whole = meter(shares, "alpha")
    whole.add(10 * MIB)
    part = whole.begin_part()
    part.add(20 * MIB)
    part.borrow(5 * MIB)
    assert shares.used == 35 * MIB
    part.borrow(-5 * MIB)
    part.end_part()
    assert shares.used == 10 * MIB
    whole.end()
    assert shares.used == 0


def test_what_a_node_has_collected_is_given_back_when_it_is_through(engine: Engine, shares: MemoryShares) -> None:
    given = {"json": {}, "binary": {"data": named_file(b"a,b\n" + b"1,2\n" * 5_000, "a.csv", "text/csv")}}
    reads = chain(START, node("Node", "extractFromFile", {"operation": "csv"}, 1.1))
    ports = Ports(meter=meter(shares, "alpha"))
    assert engine.run(reads, items=[given], ports=ports).status == "success"
    assert shares.used == ports.meter.used > 10_000
    ports.meter.end()
    assert shares.used == 0


def test_large_records_are_written_as_many_at_once_as_there_is_room_for(shares: MemoryShares) -> None:
    begun: list[str] = []

    async def write(name: str, size: int, may_end: asyncio.Event) -> None:
        async with meter(shares, "alpha").writing(size):
            begun.append(name)
            await may_end.wait()

    async def main() -> None:
        first, second = asyncio.Event(), asyncio.Event()
        writing = [asyncio.create_task(write("larger than all", 500 * MIB, first))]
        await asyncio.sleep(0)
        writing += [asyncio.create_task(write(name, size, second)) for name, size in AFTER]
        while len(begun) < 2:
            await asyncio.sleep(0)
        assert begun == ["larger than all", "small"]
        first.set()
        while len(begun) < 4:
            await asyncio.sleep(0)
        second.set()
        await asyncio.gather(*writing)

    asyncio.run(main())
    assert begun == ["larger than all", "small", "a", "b"]


AFTER = [("a", 40 * MIB), ("b", 40 * MIB), ("small", SMALL_RECORD)]


def test_a_large_record_is_written_when_those_that_wait_for_postgresql_leave_room(shares: MemoryShares) -> None:
    async def main() -> None:
        shares.keep_record(60 * MIB)
        writing = asyncio.create_task(write())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not writing.done()
        await shares.drop_records(60 * MIB)
        await writing

    async def write() -> None:
        async with meter(shares, "alpha").writing(30 * MIB):
            pass

    asyncio.run(asyncio.wait_for(main(), 60))
