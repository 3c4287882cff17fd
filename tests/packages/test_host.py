"""Calls to processes of packages: which of them an end of their process meets, and who waits for whom."""

import asyncio
import json
import os
import signal
from typing import Any

import psutil
import pytest

from app.engine.sandbox.interpreter import ANSWER, ASK, DROP, ENTER, STREAM, Interpreter
from app.packages.host import ACTING, LISTENING, Host
from app.packages.host_errors import HostError
from tests.packages.hosting import QUICK, call_of, with_host
from tests.patience import PATIENCE_SECONDS

LOOP = "for (;;);"
BOMB = "const all = []; for (;;) all.push(new Array(1e6).fill(all.length))"
STUCK = "await new Promise(() => {})"
SLOW = "await new Promise((done) => setTimeout(done, 700)); return [[{ json: { slow: true } }]]"
NO_MEMORY = "The node needed more memory than it may use: 48 MiB. EXECUTIONS_PACKAGE_MEMORY_MB sets how much that is."


@pytest.mark.parametrize(
    ("bad", "limit", "said"),
    [
        (LOOP, {"silent_seconds": 0.6}, "The node computed for more than 0.6 seconds without a pause, and was ended"),
        (BOMB, {"memory_mb": 48}, NO_MEMORY),
    ],
    ids=["loop", "bomb"],
)
def test_a_loop_and_a_bomb_end_alone(bad, limit, said):
    async def work(host: Host) -> Any:
        calls = [host.call(call_of(code)) for code in (SLOW, bad, SLOW)]
        given = await asyncio.gather(*calls, return_exceptions=True)
        return given, host.ended, await host.call(call_of(QUICK))

    given, ended, after = with_host(work, **limit)
    assert [isinstance(each, HostError) for each in given] == [False, True, False]
    assert str(given[1]) == said
    assert ended == 1
    assert after["outputs"] == [[{"json": {"quick": True}}]]


def test_a_neighbour_in_the_same_process_runs_again():
    async def work(host: Host) -> Any:
        calls = [host.call(call_of(code)) for code in (SLOW, LOOP, SLOW)]
        return await asyncio.gather(*calls, return_exceptions=True)

    one, bad, two = with_host(work, silent_seconds=0.6, processes=1)
    assert "computed for more than 0.6 seconds" in str(bad)
    assert one["outputs"] == two["outputs"] == [[{"json": {"slow": True}}]]


@pytest.mark.parametrize(
    ("deadly", "said", "beside"),
    [
        (BOMB, NO_MEMORY, False),
        (STUCK, "The process of the node ended unexpectedly (-9)", True),
        ("process.stderr._handle.constructor()", "The process of the node ended unexpectedly (-6)", True),
        ("require('zlib').createGzip()._handle.init()", "The process of the node ended unexpectedly (-6)", True),
    ],
    ids=["a bomb after another call", "killed beside another call", "misuse of a pipe", "misuse of a native object"],
)
def test_what_has_ended_its_process_is_not_run_again(deadly, said, beside):
    """It may have done already what it is for; what ran beside it and has done nothing outside is run again."""
    begun: list[str] = []
    host: Host

    async def ask(question: bytes) -> bytes:
        asked = json.loads(question)
        begun.append(asked["given"]["text"])
        if begun[-1] == "=deadly" and deadly == STUCK:
            os.kill(host.pids[0], signal.SIGKILL)
        return json.dumps({"call": asked["call"], "result": {"value": len(begun)}}).encode()

    def telling(name: str, code: str) -> dict[str, Any]:
        return call_of(f"const place = this.evaluateExpression('{name}'); {code}")

    slow = "if (place === 1) await new Promise(() => {}); return [[{ json: { slow: true } }]]"

    async def work(started: Host) -> Any:
        nonlocal host
        host = started
        await host.call(call_of(QUICK))
        waiting = [asyncio.ensure_future(host.call(telling("slow", slow), ask))] if beside else []
        while beside and not begun:
            await asyncio.sleep(0.01)
        with pytest.raises(HostError) as failed:
            await host.call(telling("deadly", deadly), ask)
        return str(failed.value), [each["outputs"] for each in await asyncio.gather(*waiting)], host.ended

    outputs = [[[{"json": {"slow": True}}]]] * beside
    assert with_host(work, processes=1, memory_mb=48) == (said, outputs, 1)
    assert begun == ["=slow", "=deadly", "=slow"] if beside else begun == ["=deadly"]


def test_a_call_has_so_much_time_and_ends_when_nobody_waits():
    async def work(host: Host) -> Any:
        waits = "this.getExecutionCancelSignal().addEventListener('abort', () => { globalThis.ended = true });" \
            "await new Promise(() => {})"  # fmt: skip
        with pytest.raises(HostError, match=r"did not finish within 0\.3 seconds"):
            await host.call(call_of(waits), seconds=0.3)
        task = asyncio.ensure_future(host.call(call_of(waits)))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await host.call(call_of("return [[{ json: { ended: globalThis.ended } }]]"))

    assert with_host(work, processes=1)["outputs"] == [[{"json": {"ended": True}}]]


def test_projects_share_no_process_and_one_that_has_none_waits_for_no_end():
    """What a package makes of its process, or leaves in it, meets calls of the same project only."""
    holds = "globalThis.left = 1; JSON.stringify = () => '{}'; await new Promise(() => {})"
    looks = "return [[{ json: { pid: process.pid, left: globalThis.left, text: JSON.stringify([1]) } }]]"

    async def work(host: Host) -> Any:
        held = [asyncio.ensure_future(host.call(call_of(holds), project="a")) for _ in range(2)]
        held += [asyncio.ensure_future(host.call(call_of(holds), project="b", mode=LISTENING)) for _ in range(2)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(host.pids) < 2:
                await asyncio.sleep(0.01)
            before = host.pids
            listening = asyncio.ensure_future(host.call(call_of(holds), project="c", mode=LISTENING))
            given = await host.call(call_of(looks), project="c")
            while len(host.pids) < 4:
                await asyncio.sleep(0.01)
        for each in (*held, listening):
            each.cancel()
        await asyncio.gather(*held, listening, return_exceptions=True)
        return before, given["outputs"][0][0]["json"]

    before, seen = with_host(work, processes=1)
    assert seen.pop("pid") not in before
    assert seen == {"text": "[1]"}


def test_what_one_project_does_for_long_keeps_no_other_waiting_without_bound():
    holds = "this.evaluateExpression('begun'); await new Promise(() => {})"
    pid = "return [[{ json: { pid: process.pid } }]]"
    begun: list[bytes] = []

    async def ask(question: bytes) -> bytes:
        begun.append(question)
        return json.dumps({"call": json.loads(question)["call"], "result": {"value": True}}).encode()

    async def work(host: Host) -> Any:
        async def hold(project: str, calls: int = 1) -> list[asyncio.Future[Any]]:
            due = len(begun) + calls
            held = [asyncio.ensure_future(host.call(call_of(holds), ask, project=project)) for _ in range(calls)]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(begun) < due:
                    await asyncio.sleep(0.01)
            return held

        held = await hold("a", 2)
        held += await hold("b")  # in the place of one of a's
        held += await hold("a")  # which has its share, and gets no third
        await host.call(call_of(QUICK), project="c")
        after = len(host.pids)
        await host.call(call_of(QUICK), project="d")  # c's is idle
        held += await hold("d")
        refused = await asyncio.gather(host.call(call_of(QUICK), project="e"), return_exceptions=True)
        host._pools[ACTING]._wait_seconds = PATIENCE_SECONDS
        waiting = [asyncio.ensure_future(host.call(call_of(pid), project="e")) for _ in range(2)]
        held[2].cancel()
        given = await asyncio.gather(*waiting)
        for each in held:
            each.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        return after, refused[0], {each["outputs"][0][0]["json"]["pid"] for each in given}

    after, refused, pids = with_host(work, processes=2, wait_seconds=1)
    assert after == 4
    assert "Other projects hold all processes for nodes of packages on this worker" in str(refused)
    assert len(pids) == 1, "what waits goes to the same process"


SPOILS = """
  JSON.stringify = () => '{"outputs":[[{"json":{"forged":true}}]]}'; JSON.parse = () => ({});
  Promise.race = globalThis.setImmediate = globalThis.setTimeout = () => { throw new Error('spoilt') };
  globalThis.console = undefined; process.stdin.destroy();
  process.on('uncaughtException', () => { throw new Error('spoilt') });
  process.removeAllListeners('uncaughtException'); process.removeAllListeners(); return [[]]"""


def test_what_packages_put_in_the_place_of_what_node_has_spoils_no_later_call():
    throws = "process.nextTick(() => { throw new Error('out of reach') }); await new Promise(() => {})"
    rejects = "Promise.reject(new Error('unheard')); await new Promise(require('timers').setImmediate); return [[]]"

    async def work(host: Host) -> Any:
        await host.call(call_of(SPOILS))
        assert (await host.call(call_of(rejects)))["outputs"] == [[]]
        thrown = await host.call(call_of(throws))
        return thrown["error"]["message"], (await host.call(call_of(QUICK)))["outputs"], host.ended

    assert with_host(work, processes=1) == ("out of reach", [[{"json": {"quick": True}}]], 0)


def test_what_nobody_waits_for_any_more_keeps_no_other_call_waiting():
    async def work(host: Host) -> Any:
        await host.call(call_of(QUICK))
        [pid] = host.pids
        computed = psutil.Process(pid).cpu_times().user
        loop = asyncio.ensure_future(host.call(call_of(LOOP)))
        while psutil.Process(pid).cpu_times().user < computed + 0.5:
            await asyncio.sleep(0.05)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            given = await host.call(call_of(QUICK))
            while pid in host.pids:
                await asyncio.sleep(0.05)
        return given["outputs"], host.ended

    assert with_host(work, silent_seconds=10 * PATIENCE_SECONDS) == ([[{"json": {"quick": True}}]], 1)


def test_answers_that_come_twice_or_that_nobody_waits_for_disturb_nobody(monkeypatch):
    """As if a package had got at what its process speaks over, and spoke of calls that have ended, or never were."""
    received, ended = Interpreter.frame_received, []

    def forging(self: Interpreter, number: int, kind: int, payload: bytes) -> None:
        received(self, number, kind, payload)
        if kind == ANSWER:
            ended.append(number)
        for other in (*ended, 4_000_000_000):
            for forged in (ANSWER, ASK, STREAM, ENTER, DROP):
                received(self, other, forged, b'{"outputs": "forged", "call": 1, "name": "credential", "given": {}}')

    async def work(host: Host) -> Any:
        calls = [host.call(call_of(code)) for code in (QUICK, SLOW, QUICK, SLOW)]
        answers = [*await asyncio.gather(*calls), await host.call(call_of(QUICK))]
        return [each["outputs"][0][0]["json"] for each in answers]

    monkeypatch.setattr(Interpreter, "frame_received", forging)
    quick, slow = {"quick": True}, {"slow": True}
    assert with_host(work, processes=1) == [quick, slow, quick, slow, quick]
    assert len(ended) == 5
