"""Processes shared out among projects: none gets another's or waits for it, and those that do not answer end."""

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from app.engine.sandbox import Sandbox, SandboxMemory, SandboxTimeout
from app.engine.sandbox.interpreter import Interpreter
from app.engine.sandbox.silence import LOOK_SECONDS, LOOKS
from tests.engine.sandbox.test_sandbox_processes import HANG, NEVER, SCOPE, result, with_sandbox
from tests.process_state import is_running

ONE = "={{ $json.n }}"

TO_THE_HOST = """
  let host;
  const look = (error) => { if (!(error instanceof Object)) host = error };
  const again = () => { try { new Error('x').stack } catch (error) { look(error) }; again() };
  for (let i = 0; i < 100 && !host; i++) try { again() } catch (error) { look(error) }
  if (!host) return { found: false };
  let top = host;
  while (Object.getPrototypeOf(top)) top = Object.getPrototypeOf(top);
  const HostObject = top.constructor;
"""
ON_THE_HOSTS_QUEUE = [
    # A job of the host runs a trap of the program, after the program has answered.
    "Promise.resolve(new Proxy({}, { ownKeys() { for (;;); } })).then(HostObject.keys);",
    # Each job leaves the next one behind.
    """const job = () => Promise.resolve(new Proxy({}, { ownKeys() { job(); return [] } })).then(HostObject.keys);
       job();""",
    "Promise.resolve({ get x() { for (;;); } }).then(HostObject.entries);",
]


def pid_of(sandbox: Sandbox, mode: Any, project: str) -> int | None:
    """The process that serves a project."""
    [lane] = sandbox._pool._lanes.of((mode, project))
    return lane.interpreter.pid


async def gone(pid: int) -> None:
    while is_running(pid):
        await asyncio.sleep(0.02)


def test_each_project_has_processes_of_its_own():
    async def work(sandbox: Sandbox) -> Any:
        pids = []
        for project in ("alpha", "beta"):
            view = sandbox.for_project(project)
            await view.evaluate([ONE], SCOPE)
            await view.run_code("return []", SCOPE)
            pids += [pid_of(sandbox, "expressions", project), pid_of(sandbox, "code", project)]
        return pids

    assert len(set(with_sandbox(work))) == 4


def test_a_process_ends_before_its_place_goes_to_another_project():
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.for_project("alpha").evaluate([ONE], SCOPE)
        alphas = pid_of(sandbox, "expressions", "alpha")
        assert alphas is not None
        given = await sandbox.for_project("beta").evaluate([ONE], SCOPE)
        await gone(alphas)
        back = await sandbox.for_project("alpha").evaluate([ONE], SCOPE)
        return given, back, pid_of(sandbox, "expressions", "alpha") == alphas, sandbox.ended

    assert with_sandbox(work, processes=1) == ([[7]], [[7]], False, 0)


def test_a_slow_project_delays_no_other():
    async def work(sandbox: Sandbox) -> Any:
        slow = [asyncio.create_task(result(sandbox.for_project("alpha").evaluate([HANG], SCOPE))) for _ in range(5)]
        given = await result(sandbox.for_project("beta").evaluate([ONE], SCOPE))
        waiting = sum(not each.done() for each in slow)
        for each in slow:
            each.cancel()
        return given, waiting

    assert with_sandbox(work, expression_timeout=30) == ([[7]], 5)


def test_with_fewer_processes_than_projects_each_gets_its_turn():
    """Alpha always has more to do; Beta and Gamma are served all the same, in the order in which they came."""

    async def work(sandbox: Sandbox) -> Any:
        ended: list[str] = []

        async def ask(project: str, template: str) -> None:
            await result(sandbox.for_project(project).evaluate([template], SCOPE))
            ended.append(project)

        tasks = [asyncio.create_task(ask("alpha", HANG)) for _ in range(4)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(ask("beta", ONE)), asyncio.create_task(ask("gamma", ONE))]
        await asyncio.gather(*tasks)
        return ended

    ended = with_sandbox(work, processes=1, expression_timeout=0.3)
    assert sorted(ended) == ["alpha"] * 4 + ["beta", "gamma"]
    assert ended.index("beta") < ended.index("gamma") < len(ended) - 1 - ended[::-1].index("alpha")


def test_who_stops_waiting_for_a_process_leaves_its_place_to_others():
    async def work(sandbox: Sandbox) -> Any:
        held = asyncio.create_task(result(sandbox.for_project("alpha").evaluate([HANG], SCOPE)))
        await asyncio.sleep(0)
        left = asyncio.create_task(sandbox.for_project("beta").evaluate([ONE], SCOPE))
        stays = asyncio.create_task(result(sandbox.for_project("gamma").evaluate([ONE], SCOPE)))
        await asyncio.sleep(0.05)
        left.cancel()
        return await held, await stays

    assert with_sandbox(work, processes=1, expression_timeout=0.5) == (SandboxTimeout, [[7]])


@pytest.mark.parametrize("job", ON_THE_HOSTS_QUEUE)
def test_what_runs_on_the_hosts_queue_counts_against_the_run(job):
    async def work(sandbox: Sandbox) -> Any:
        alpha, beta = sandbox.for_project("alpha"), sandbox.for_project("beta")
        await alpha.run_code("return []", SCOPE)
        pid = pid_of(sandbox, "code", "alpha")
        assert pid is not None
        [found] = await result(alpha.run_code(f"{TO_THE_HOST} {job} return {{ found: true }};", SCOPE, timeout=5))
        if found["found"]:
            # The program has answered long ago; what it left is ended by its deadline, with the process.
            await gone(pid)
        return [await result(each.run_code("return {ok: 1}", SCOPE)) for each in (beta, alpha)]

    assert with_sandbox(work) == [[{"ok": 1}]] * 2


def test_a_process_that_says_nothing_is_ended_also_when_nothing_was_asked():
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        pid = pid_of(sandbox, "code", "")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await gone(pid)
        return await result(sandbox.run_code("return {ok: 1}", SCOPE))

    assert with_sandbox(work) == [{"ok": 1}]


def test_a_request_to_a_process_that_says_nothing_is_answered_by_the_next():
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        os.kill(pid_of(sandbox, "code", "") or 0, signal.SIGSTOP)
        return await result(sandbox.run_code("return {ok: 1}", SCOPE))

    assert with_sandbox(work) == [{"ok": 1}]


def test_a_run_that_waits_is_not_taken_for_one_that_hangs():
    async def work(sandbox: Sandbox) -> Any:
        source = "await new Promise(r => setTimeout(r, 3000)); return {ok: 1}"
        return await result(sandbox.run_code(source, SCOPE)), sandbox.ended

    assert with_sandbox(work) == ([{"ok": 1}], 0)


@pytest.mark.parametrize(
    "leave",
    [
        "globalThis.kept = []; for (let i = 0; i < 7e5; i++) kept.push({ a: [i, i] }); setTimeout(() => kept, 1e6)",
        "globalThis.kept = new Uint8Array(8e7).fill(1)",
    ],
)
def test_a_process_that_holds_much_is_replaced(leave):
    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        pid = pid_of(sandbox, "code", "")
        assert pid is not None
        await result(sandbox.run_code(f"{leave}; return []", SCOPE))
        await gone(pid)
        return await result(sandbox.run_code("return {ok: 1}", SCOPE)), sandbox.ended

    assert with_sandbox(work, memory_mb=128, code_processes=1) == ([{"ok": 1}], 0)


def test_what_a_process_of_expressions_holds_is_told_now_and_then(monkeypatch):
    """After a large request, and after some small ones: to ask V8 takes longer than a small one does."""
    told = []
    monkeypatch.setattr(Interpreter, "_notice_heap", lambda self, used: told.append(int(used) > 0))

    async def work(sandbox: Sandbox) -> Any:
        counts = []
        for templates in (["={{ 1 }}"] * 20, [f"={{{{ '{'x' * 70_000}'.length }}}}"], ["={{ 'x'.repeat(70000) }}"]):
            for template in templates:
                await sandbox.evaluate([template], SCOPE)
            counts.append(len(told))
        while len(told) < 3:  # it comes behind a large answer
            await asyncio.sleep(0.01)
        return counts[:2], len(told)

    assert with_sandbox(work) == ([1, 2], 3)
    assert all(told)


def test_a_run_that_finds_no_memory_left_is_run_again_before_it_is_blamed():
    fill = "globalThis.kept = new Array(2e6).fill(0).map((_, i) => ({ i })); await new Promise(r => setTimeout(r, 1e6))"
    needs = "await 0; const a = new Array(15e5).fill(0).map((_, i) => ({ i })); return {ok: a.length}"

    async def work(sandbox: Sandbox) -> Any:
        holding = asyncio.create_task(result(sandbox.run_code(fill, SCOPE)))
        await asyncio.sleep(1)
        [lane] = sandbox._pool._lanes.of(("code", ""))
        lane.interpreter.retiring = False  # as if what the other run holds had not been noticed
        given = asyncio.create_task(result(sandbox.run_code(needs, SCOPE)))
        await asyncio.sleep(0.05)
        holding.cancel()
        return await given

    assert with_sandbox(work, memory_mb=150, code_processes=1) == [{"ok": 1_500_000}]


def test_what_needs_too_much_by_itself_is_blamed():
    source = "const a = []; for (;;) a.push({ a: [1, 2, 3] })"

    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        return await result(sandbox.run_code(source, SCOPE)), sandbox.ended

    assert with_sandbox(work, memory_mb=64) == (SandboxMemory, 2)


def test_a_process_is_not_blamed_for_what_holds_its_worker():
    """It was asked whether it is there; the loop hears the answer later than a process may be silent."""

    async def work(sandbox: Sandbox) -> Any:
        await sandbox.run_code("return []", SCOPE)
        pid = pid_of(sandbox, "code", "")
        [lane] = sandbox._pool._lanes.of(("code", ""))
        silence = lane.interpreter._watchdog._silence
        assert silence is not None
        while silence.next_look != LOOK_SECONDS:
            await asyncio.sleep(0)
        time.sleep(LOOKS * LOOK_SECONDS * 2)
        await asyncio.sleep(LOOK_SECONDS * 2)
        return await result(sandbox.run_code("return {ok: 1}", SCOPE)), pid_of(sandbox, "code", "") == pid

    assert with_sandbox(work, code_processes=1) == ([{"ok": 1}], True)


def test_time_in_which_the_worker_is_held_is_no_time_of_its_requests():
    async def work(sandbox: Sandbox) -> Any:
        source = "await new Promise(r => setTimeout(r, 500)); return {ok: 1}"
        task = asyncio.create_task(result(sandbox.run_code(source, SCOPE, timeout=1.5)))
        await asyncio.sleep(0.2)
        time.sleep(3)
        return await task, sandbox.ended

    assert with_sandbox(work) == ([{"ok": 1}], 0)


def test_a_request_leaves_a_process_that_another_one_holds():
    """Both processes of the project are held when it comes; it goes to the one that becomes free first."""

    async def work(sandbox: Sandbox) -> Any:
        holding = [asyncio.create_task(sandbox.run_code("for (;;) {}", SCOPE)) for _ in range(2)]
        await asyncio.sleep(0)
        lanes = sandbox._pool._lanes.of(("code", ""))
        while not all(lane.interpreter.held for lane in lanes):
            await asyncio.sleep(0.02)
        waiting = [asyncio.create_task(result(sandbox.run_code("return {ok: 1}", SCOPE))) for _ in range(3)]
        await asyncio.sleep(0)
        both = [lane.interpreter.load > 1 for lane in lanes]
        holding[1].cancel()
        given = await asyncio.gather(*waiting)
        held = sum(lane.interpreter.held for lane in lanes)
        holding[0].cancel()
        return both, given, held

    assert with_sandbox(work, code_timeout=NEVER) == ([True, True], [[{"ok": 1}]] * 3, 1)
