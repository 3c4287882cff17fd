"""Calls to processes of packages: what somebody waits for stands behind no other call that computes without end."""

import asyncio
from typing import Any

import pytest

from app.packages import host as host_module
from app.packages.host import ACTING, ARRANGING, LISTENING, POLLING, REMEMBERING, Host
from app.packages.host_errors import HostComputing, HostError
from tests.packages.hosting import QUICK, call_of, with_host
from tests.patience import PATIENCE_SECONDS

# Holds its process as a loop does, and leaves the processor to others.
LOOP = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"
PID = "return [[{ json: { pid: process.pid } }]]"
DONE = [[{"json": {"quick": True}}]]
ENDLESS: dict[str, Any] = {"silent_seconds": 10 * PATIENCE_SECONDS}


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    monkeypatch.setattr(host_module, "HELD_SECONDS", 0.2)


async def looping(host: Host, mode: str, calls: int) -> list[asyncio.Future[Any]]:
    """So many calls of a project that compute without end, once all processes that they may have do so."""
    loops = [asyncio.ensure_future(host.call(call_of(LOOP), project="p", mode=mode)) for _ in range(calls)]
    pool = host._pools[POLLING if mode == ARRANGING else mode]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not pool._lanes.all_held((mode, "p")):
            await asyncio.sleep(0.02)
    return loops


async def quick(host: Host, **about: Any) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS / 3):
        return (await host.call(call_of(QUICK), project="p", **about))["outputs"]


@pytest.mark.parametrize(
    ("mode", "others"),
    [
        (POLLING, [{}, {"mode": ARRANGING}]),
        (ACTING, [{"awaited": True}]),
    ],
)
def test_what_loops_keeps_nothing_waiting_that_is_waited_for(mode: str, others: list[dict[str, Any]]) -> None:
    async def work(host: Host) -> Any:
        loops = await looping(host, mode, 3)
        given = [await quick(host, **about) for about in others], len(host.pids)
        assert not any(loop.done() for loop in loops)
        return given

    given, processes = with_host(work, processes=2, **ENDLESS)
    assert given == [DONE] * len(others)
    assert processes <= 4


def test_what_came_before_the_loop_was_known_leaves_it() -> None:
    """One that somebody waits for leaves always, another one as soon as its project has a process that is free."""

    async def work(host: Host) -> Any:
        loops = [asyncio.ensure_future(host.call(call_of(LOOP), project="p")) for _ in range(2)]
        quick_ones = [asyncio.ensure_future(quick(host, awaited=awaited)) for awaited in (True, True, False)]
        given = await asyncio.gather(*quick_ones[:2])
        assert not quick_ones[2].done()
        loops[0].cancel()
        return [*given, await quick_ones[2]]

    assert with_host(work, processes=2, **ENDLESS) == [DONE] * 3


def test_where_executions_share_no_process_others_keep_none_waiting_that_is_waited_for() -> None:
    async def work(host: Host) -> Any:
        for execution in range(3):
            loop = host.call(call_of(LOOP), project="p", execution=str(execution))
            loops.append(asyncio.ensure_future(loop))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(host.pids) < 2:
                await asyncio.sleep(0.02)
        return await quick(host, execution="4", awaited=True)

    loops: list[asyncio.Future[Any]] = []
    assert with_host(work, processes=1, shared=False, **ENDLESS) == DONE


@pytest.mark.parametrize(
    ("mode", "bad"),
    [(LISTENING, LOOP), (REMEMBERING, "require('zlib').createGzip()._handle.init()")],
    ids=["loops among listeners", "ends a process that remembers"],
)
def test_what_has_ended_a_process_that_is_shared_for_long_ends_no_other_of_its_project(mode, bad) -> None:
    async def work(host: Host) -> Any:
        async def seen() -> int:
            told = await host.call(call_of(PID), project="p", mode=mode, subject="good")
            return int(told["outputs"][0][0]["json"]["pid"])

        async def end(subject: str) -> None:
            with pytest.raises(HostError):
                await host.call(call_of(bad), project="p", mode=mode, subject=subject)

        await end("bad")
        before = await seen()
        await end("bad")
        return before, await seen()

    before, after = with_host(work, silent_seconds=0.4)
    assert before == after


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [(ARRANGING, None), (ACTING, 1.5)],
    ids=["of a trigger, which may compute for less", "within a time limit that is no service's"],
)
def test_computing_is_told_as_what_it_is(monkeypatch, mode: str, seconds: float | None) -> None:
    monkeypatch.setattr(host_module, "TRIGGER_SECONDS", 0.6)

    async def work(host: Host) -> str:
        with pytest.raises(HostComputing) as raised:
            await host.call(call_of(LOOP), seconds=seconds, mode=mode)
        return str(raised.value)

    said = f"The node computed for more than {seconds or 0.6:g} seconds without a pause, and was ended"
    assert with_host(work, **ENDLESS) == said
