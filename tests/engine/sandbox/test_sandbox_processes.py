"""The sandbox's processes: hangs, memory bombs, cancellation, crashes and orphans; and that neighbours never notice."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest

from app.engine.sandbox import ExpressionError, Sandbox, SandboxError, SandboxMemory, SandboxTimeout
from app.engine.sandbox import process as process_module
from app.engine.sandbox.errors import SandboxEnded
from app.engine.sandbox.program import launch
from tests.patience import wait_until
from tests.process_state import is_running

SCOPE: dict[str, Any] = {"items": [{"json": {"n": 7}}]}
NEVER = 3600.0
"""A limit that no test lives to see: what ends was ended by something else."""
HANG = "={{ (() => { for (;;) {} })() }}"
BOMB = "={{ (() => { const a = []; for (;;) a.push({ a: [1, 2, 3] }) })() }}"


def with_sandbox(work: Callable[[Sandbox], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        async with Sandbox(**options) as sandbox:
            return await work(sandbox)

    return asyncio.run(main())


async def result(work: Awaitable[Any]) -> Any:
    """What the work gave, or the kind of error that it ended with."""
    try:
        given = await work
    except (SandboxError, ExpressionError, asyncio.CancelledError) as error:
        return type(error)
    return given if isinstance(given, list) else [item["json"] for item in given.items]


def test_a_hanging_expression_fails_alone():
    async def work(sandbox: Sandbox) -> Any:
        templates = [HANG, "={{ $json.n }}", HANG, "={{ $json.n + 1 }}"]
        return await asyncio.gather(*(result(sandbox.evaluate([each], SCOPE)) for each in templates))

    assert with_sandbox(work, expression_timeout=1) == [SandboxTimeout, [[7]], SandboxTimeout, [[8]]]


def test_a_catastrophic_regular_expression_is_ended():
    template = "={{ /^(a+)+$/.test('a'.repeat(40) + 'b') }}"
    assert with_sandbox(lambda s: result(s.evaluate([template], SCOPE)), expression_timeout=0.3) is SandboxTimeout


def test_a_memory_bomb_fails_alone():
    async def work(sandbox: Sandbox) -> Any:
        templates = [BOMB, "={{ $json.n }}"]
        programs = ["const a = []; for (;;) a.push({ a: [1, 2, 3] })", "return {ok: 1}"]
        return await asyncio.gather(
            *(result(sandbox.evaluate([each], SCOPE)) for each in templates),
            *(result(sandbox.run_code(each, SCOPE)) for each in programs),
        )

    limits = {"expression_timeout": NEVER, "code_timeout": NEVER}
    given = with_sandbox(work, memory_mb=64, code_processes=1, **limits)
    assert given == [SandboxMemory, [[7]], SandboxMemory, [{"ok": 1}]]


def test_memory_outside_the_heap_is_limited_too():
    template = "={{ (() => { const a = []; for (;;) a.push(new Uint8Array(5e7).fill(1)) })() }}"

    async def work(sandbox: Sandbox) -> Any:
        given = await result(sandbox.evaluate([template], SCOPE))
        return given, await result(sandbox.evaluate(["={{ $json.n }}"], SCOPE))

    given, after = with_sandbox(work, memory_mb=64, expression_timeout=NEVER)
    assert given in ([[None]], SandboxMemory)
    assert after == [[7]]


def test_a_hanging_program_delays_neither_expressions_nor_its_neighbours():
    async def work(sandbox: Sandbox) -> Any:
        hanging = asyncio.create_task(result(sandbox.run_code("for (;;) {}", SCOPE)))
        waiting = asyncio.create_task(
            result(sandbox.run_code("await new Promise(r => setTimeout(r, 50)); return {b: 1}", SCOPE))
        )
        await asyncio.sleep(0.1)
        expression = await result(sandbox.evaluate(["={{ $json.n }}"], SCOPE))
        return expression, hanging.done() or waiting.done(), await hanging, await waiting

    given = with_sandbox(work, code_timeout=2, code_processes=1)
    assert given == ([[7]], False, SandboxTimeout, [{"b": 1}])


def test_a_program_that_waits_too_long_fails_without_a_restart():
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        before = sandbox.pids
        given = await result(sandbox.run_code("await new Promise(() => {})", SCOPE, timeout=0.2))
        return given, await result(sandbox.run_code("return {a: 1}", SCOPE)), sandbox.pids == before

    assert with_sandbox(work, code_processes=1, spares=0) == (SandboxTimeout, [{"a": 1}], True)


def cpu_seconds(pids: list[int]) -> float:
    return sum(psutil.Process(pid).cpu_times().user for pid in pids)


@pytest.mark.parametrize(("source", "restarts"), [("await new Promise(() => {})", False), ("for (;;) {}", True)])
def test_cancelling_a_program_ends_its_javascript(source, restarts):
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        before = sandbox.pids
        computed = cpu_seconds(before)
        task = asyncio.create_task(sandbox.run_code(source, SCOPE))
        await asyncio.sleep(0.1)
        while restarts and cpu_seconds(before) < computed + 0.2:
            await asyncio.sleep(0.05)
        task.cancel()
        cancelled = await result(task)
        after = await result(sandbox.run_code("return {a: 1}", SCOPE))
        return cancelled, after, sandbox.pids != before

    assert with_sandbox(work, code_processes=1, spares=0, code_timeout=NEVER) == (
        asyncio.CancelledError,
        [{"a": 1}],
        restarts,
    )


def test_cancelling_an_expression_ends_its_javascript():
    async def work(sandbox: Sandbox) -> Any:
        task = asyncio.create_task(sandbox.evaluate([HANG], SCOPE))
        await asyncio.sleep(0.1)
        queued = asyncio.create_task(sandbox.evaluate([HANG], SCOPE))
        await asyncio.sleep(0)
        task.cancel()
        queued.cancel()
        after = await result(sandbox.evaluate(["={{ $json.n }}"], SCOPE))
        return after, task.cancelled(), queued.cancelled()

    assert with_sandbox(work, expression_timeout=NEVER) == ([[7]], True, True)


@pytest.mark.parametrize(
    "source", ["(async () => { for (;;) await null })(); return {a: 1}", "setInterval(() => {}, 1); return {a: 1}"]
)
def test_what_a_program_leaves_running_is_ended(source):
    async def work(sandbox: Sandbox) -> Any:
        return [await result(sandbox.run_code(each, SCOPE)) for each in (source, "return {b: 1}")]

    assert with_sandbox(work, code_processes=1) == [[{"a": 1}], [{"b": 1}]]


def test_a_killed_process_is_replaced_and_its_requests_are_sent_again():
    async def work(sandbox: Sandbox) -> Any:
        await asyncio.gather(*(sandbox.run_code("return []", SCOPE) for _ in range(2)))
        source = "await new Promise(r => setTimeout(r, 1000)); return items"
        scopes = [{"items": [{"json": {"n": n}}]} for n in range(3)]
        programs = [asyncio.create_task(result(sandbox.run_code(source, each))) for each in scopes]
        await asyncio.sleep(0.25)
        for pid in sandbox.pids:
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*programs, result(sandbox.evaluate(["={{ $json.n }}"], SCOPE)))

    assert with_sandbox(work) == [[{"n": 0}], [{"n": 1}], [{"n": 2}], [[7]]]


def test_many_at_once_get_their_own_answers():
    async def work(sandbox: Sandbox) -> Any:
        expressions = [sandbox.evaluate(["={{ $json.n }}"], {"items": [{"json": {"n": n}}]}) for n in range(500)]
        programs = [sandbox.run_code("return items", {"items": [{"json": {"n": n}}]}) for n in range(50)]
        return await asyncio.gather(*expressions), [
            each.items[0]["json"]["n"] for each in await asyncio.gather(*programs)
        ]

    assert with_sandbox(work) == ([[[n]] for n in range(500)], list(range(50)))


def test_large_data_passes():
    async def work(sandbox: Sandbox) -> Any:
        given = {"items": [{"json": {"s": "é" * 10_000_000}}]}
        expression = await sandbox.evaluate(["={{ $json.s }}"], given)
        program = await sandbox.run_code("return items", given)
        return expression[0][0] == given["items"][0]["json"]["s"], program.items == given["items"]

    assert with_sandbox(work, memory_mb=512, expression_timeout=NEVER, code_timeout=NEVER) == (True, True)


def test_closing_ends_the_processes_and_what_is_in_flight():
    async def work() -> Any:
        async with Sandbox(code_processes=1) as sandbox:
            program = asyncio.create_task(result(sandbox.run_code("for (;;) {}", SCOPE)))
            while len(pids := sandbox.pids) < 2:
                await asyncio.sleep(0.02)
        after = await result(sandbox.evaluate(["={{ 1 }}"], SCOPE))
        return await program, after, [pid for pid in pids if is_running(pid)]

    assert asyncio.run(work()) == (SandboxError, SandboxError, [])


def test_says_why_it_cannot_start(monkeypatch, tmp_path):
    monkeypatch.setattr(process_module, "NODE", tmp_path / "no-such-node")
    with pytest.raises(SandboxError, match="could not be started"):
        with_sandbox(lambda s: result(s.evaluate(["={{ 1 }}"], SCOPE)))
    monkeypatch.setattr(process_module, "NODE", "/bin/false")
    with pytest.raises(SandboxError, match="ended as it started"):
        with_sandbox(lambda s: result(s.evaluate(["={{ 1 }}"], SCOPE)))


@pytest.mark.parametrize(
    "work", ["sandbox.evaluate([HANG], SCOPE)", "sandbox.run_code('for (;;) {}', SCOPE)", "asyncio.sleep(60)"]
)
def test_no_process_outlives_a_killed_worker(work):
    program = f"""
import asyncio
from tests.engine.sandbox.test_sandbox_processes import HANG, SCOPE, Sandbox
async def main():
    async with Sandbox() as sandbox:
        task = asyncio.ensure_future({work})
        await asyncio.sleep(0.5)
        print(*sandbox.pids, flush=True)
        await task
asyncio.run(main())
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pids = [int(pid) for pid in worker.stdout.readline().split()]
    worker.kill()
    worker.wait()
    assert pids
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_a_request_whose_process_dies_again_and_again_is_given_up():
    async def work(sandbox: Sandbox) -> Any:
        task = asyncio.create_task(result(sandbox.evaluate([HANG], SCOPE)))
        while not task.done():
            for pid in sandbox.pids:
                with contextlib.suppress(ProcessLookupError):  # it is dead and not yet missed
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
        return await task, await result(sandbox.evaluate(["={{ $json.n }}"], SCOPE))

    assert with_sandbox(work, expression_timeout=NEVER) == (SandboxEnded, [[7]])


def test_a_process_that_started_while_the_loop_was_held_is_taken(monkeypatch) -> None:
    monkeypatch.setattr(process_module, "START_SECONDS", 2)

    async def main() -> None:
        starting = asyncio.ensure_future(process_module.NodeProcess.start(launch("code", 256)))
        await asyncio.sleep(0.05)
        time.sleep(4)  # longer than a process is given, and none of its doing
        await (await starting).close()

    asyncio.run(main())
