"""The package processes of one worker, and the calls that they answer.

None is started before the first call, and none works for two projects: what a package leaves in its process, or makes
of it, meets calls of the same project only (or of the same execution, where executions share no process). A call gets
a process of its own as long as there are enough. One that loops, or takes too much memory, ends with its process; other
calls in it that have not touched the world outside are run again.

A call that somebody waits for does not wait for what nobody waits for: triggers have processes of their own, and where
all processes of its project compute, the call goes to a reserved one, also from the queue of a process that computes.

What holds a connection, or may remember something, shares one process of its project for long. What has ended that one
has its next calls in another one.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from app import large_json
from app.engine.sandbox.errors import (
    SandboxComputing,
    SandboxEnded,
    SandboxMemory,
)
from app.engine.sandbox.lanes import ProcessKind
from app.engine.sandbox.pool import Pool
from app.engine.sandbox.process import Launch
from app.engine.sandbox.requests import Ask, Channel, Moved, ProcessTraits
from app.engine.sandbox.scratch import ScratchRoot, remove_left
from app.packages.host_errors import CallLimits, HostError, raising_host_errors
from app.packages.isolation import Apart
from app.packages.launch import MEMORY_MB, STAND_IN, Places, launch

PROCESSES = 4
CALL_SECONDS = 3600.0
WAIT_SECONDS = 600.0
"""How long a call waits while other projects hold all processes."""
SILENT_SECONDS = 60.0
"""How long a node may compute without letting anything else of its process go on."""
TRIGGER_SECONDS = 30.0
"""The same for a trigger outside of executions: less than whoever arranges something with a provider waits."""
HELD_SECONDS = 1.0
"""How long one call computes until others that have not begun leave its process."""
IDLE_SECONDS = 600.0
ALONE_SECONDS = 30.0
"""How long a process is kept that serves one execution."""
REMEMBERING_SECONDS = 6 * 3600.0
"""How long a process is kept whose packages remember something, such as what was said in a chat."""
REMEMBERING_MB = 1024
CODE_SHARE = 17
"""A process whose loaded files have more text than this part of its memory takes no more calls.

Each MiB of text takes three of memory: with what Node needs itself this is a process of some 175 MiB at most. Processes
that remember something stay.
"""
PROJECTS = 12
"""How many projects may have such a process at once; the one that was idle for longest ends for another one."""
LISTENERS = 100
APART_LISTENING, APART_REMEMBERING, APART_PROJECTS = 3, 1, 4
"""How many processes more a project has for what has ended the one that it shares, and how many projects at once for
what remembers."""
SCRATCH = "executions-scratch-"
"""What folders for temporary files begin with."""
ACTING, REMEMBERING, LISTENING = "packages", "remembering", "listening"
"""What a call is for: an action, one whose package may remember something, and a connection that is held for long."""
POLLING, ARRANGING = "polling", "arranging"
"""The same for triggers that look for something new, or arrange something with a provider."""
APART = "apart"
"""Processes for what may remember something, and has ended the process that its project shares for that."""
RESERVED = "reserved"
"""Processes for actions that somebody waits for, where all others of the project compute."""


class Host:
    """Runs the code of the packages below a folder; an asynchronous context manager.

    `processes` at most run at once for actions, each with `memory_mb` of heap; half as many for triggers, and as many
    in reserve; and one for each project that holds connections, of which there are `listeners` at most, with
    APART_LISTENING more at most for those that have ended it. A call may take
    `call_seconds` in all, and `silent_seconds` of computing in one piece; it waits for `wait_seconds` at most while
    other projects hold all processes. Unless the processes are `shared` by a project's executions, each of these is in
    the place of a project.
    """

    def __init__(
        self,
        packages: Path,
        *,
        processes: int = PROCESSES,
        listeners: int = LISTENERS,
        memory_mb: int = MEMORY_MB,
        call_seconds: float = CALL_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
        shared: bool = True,
        stand_in: Path = STAND_IN,
    ) -> None:
        self._packages = packages
        self._stand_in = stand_in
        self._shared = shared
        self._call_seconds = call_seconds
        self._silent_seconds = silent_seconds
        self._scratch: ScratchRoot | None = None
        self._apart = Apart({LISTENING: APART_LISTENING, REMEMBERING: APART_REMEMBERING})
        self._memory_mb = dict.fromkeys((ACTING, LISTENING, POLLING, ARRANGING, RESERVED), memory_mb)
        self._memory_mb[REMEMBERING] = max(memory_mb, REMEMBERING_MB)
        self._pools = self._make_pools(processes, listeners, wait_seconds)

    def _make_pools(self, processes: int, listeners: int, wait_seconds: float) -> dict[str, Pool]:
        """The processes for each kind of call."""
        idle_seconds = IDLE_SECONDS if self._shared else ALONE_SECONDS
        kinds, half = self._process_kinds(processes), max(1, processes // 2)
        return {
            ACTING: Pool(
                {ACTING: kinds[ACTING]},
                processes=processes,
                idle_seconds=idle_seconds,
                wait_seconds=wait_seconds,
            ),
            POLLING: Pool(
                {POLLING: kinds[POLLING], ARRANGING: kinds[ARRANGING]},
                processes=half,
                idle_seconds=idle_seconds,
                wait_seconds=wait_seconds,
            ),
            RESERVED: Pool({RESERVED: kinds[RESERVED]}, processes=half, wait_seconds=wait_seconds),
            # As many as connections: none ever waits for another project's, which may last for days.
            LISTENING: Pool({LISTENING: kinds[LISTENING]}, processes=max(1, listeners)),
            REMEMBERING: Pool(
                {REMEMBERING: kinds[REMEMBERING]},
                processes=PROJECTS,
                idle_seconds=REMEMBERING_SECONDS,
                wait_seconds=wait_seconds,
            ),
            APART: Pool(
                {APART: kinds[REMEMBERING]},
                processes=APART_PROJECTS,
                idle_seconds=REMEMBERING_SECONDS,
                wait_seconds=wait_seconds,
            ),
        }

    def _process_kinds(self, processes: int) -> dict[str, ProcessKind]:
        """How a process is started for each kind of call, and when it is replaced."""
        acting, remembering = self._memory_mb[ACTING], self._memory_mb[REMEMBERING]
        code_bytes = acting * 2**20 // CODE_SHARE
        traits = self._traits(ACTING)
        heap, large_heap = (memory * 2**20 * 3 // 4 for memory in (acting, remembering))

        def kind(mode: str, most: int = 1) -> ProcessKind:
            start = partial(self._launch, acting, code_bytes)
            return ProcessKind(start, self._traits(mode), heap, most, replaced=True)

        return {
            **{mode: kind(mode) for mode in (POLLING, RESERVED)},
            ARRANGING: kind(ARRANGING, max(1, processes // 2)),
            ACTING: kind(ACTING, processes),
            LISTENING: ProcessKind(lambda: self._launch(acting), self._traits(LISTENING), heap, replaced=True),
            REMEMBERING: ProcessKind(lambda: self._launch(remembering), traits, large_heap),
        }

    def _traits(self, mode: str) -> ProcessTraits:
        silent = self._silent(mode)
        return ProcessTraits(marks=True, once=True, silent_seconds=silent, held_seconds=HELD_SECONDS)

    def _silent(self, mode: str) -> float:
        """How many seconds a call of the kind may compute without a pause."""
        most = TRIGGER_SECONDS if mode in (POLLING, ARRANGING, LISTENING) else self._silent_seconds
        return min(most, self._silent_seconds)

    async def __aenter__(self) -> Host:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            await pool.close()
        if self._scratch is not None:
            await asyncio.to_thread(self._scratch.remove)

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [pid for pool in self._pools.values() for pid in pool.pids]

    @property
    def ended(self) -> int:
        """How many processes were killed at a limit, or died by themselves."""
        return sum(pool.ended for pool in self._pools.values())

    async def call(
        self,
        request: dict[str, Any],
        ask: Ask | None = None,
        channel: Channel | None = None,
        seconds: float | None = None,
        *,
        project: str = "",
        execution: str = "",
        subject: str = "",
        mode: str = ACTING,
        awaited: bool = False,
        admit: Callable[[bytes], None] = lambda answer: None,
    ) -> dict[str, Any]:
        """What a process answers to the request, of which `kind` says what it is about (js/kinds.js).

        `ask` answers what the call wants to know meanwhile, `channel` has its connections. Cancelling ends the call.
        Only calls of the same project come to the same process; which they share when they remember, or listen. Where
        processes are not shared, only those of the same `execution`, which stands for its sub-workflows, too.
        `subject`: what of the project's the call works for; what has ended the shared process is set apart by it.
        `awaited`: somebody waits for what the call is a part of.
        `admit` hears of the answer's JSON before it is read, and what it raises is raised. Raises HostError.
        """
        payload = await large_dumps(request)
        limit = self._call_seconds if seconds is None else seconds
        owner = project if self._shared else f"{project} {execution}"
        limits = CallLimits(limit, min(limit, self._silent(mode)), self._memory_mb[mode], self._shared)
        with raising_host_errors(limits):
            urgent = awaited and mode == ACTING
            pool, kind, place = self._place(mode, owner, subject)
            try:
                answer = await pool.request(kind, place, payload, limit, ask, channel, urgent=urgent)
            except Moved:
                answer = await self._pools[RESERVED].request(RESERVED, owner, payload, limit, ask, channel)
            except (SandboxComputing, SandboxMemory, SandboxEnded):
                self._apart.move(mode, owner, subject)
                raise
        return await _read_answer(answer, admit)

    def _place(self, mode: str, owner: str, subject: str) -> tuple[Pool, str, str]:
        """Where a call goes: of which processes, for which kind of them, and as whose."""
        number = self._apart.place_of(mode, owner, subject)
        kind = APART if number is not None and mode == REMEMBERING else mode
        return (
            self._pools[POLLING if mode == ARRANGING else kind],
            kind,
            owner if number is None else f"{owner} {number}",
        )

    def _launch(self, memory_mb: int, code_bytes: int = 0) -> Launch:
        """A process with a new folder for temporary files, below the one that goes with this host."""
        if self._scratch is None:
            self._scratch = ScratchRoot(SCRATCH)
            asyncio.get_running_loop().run_in_executor(None, remove_left, SCRATCH)
        scratch = Path(tempfile.mkdtemp(dir=self._scratch.path))
        return launch("serve", Places(self._packages, scratch, self._stand_in), memory_mb, code_bytes)


async def _read_answer(answer: bytes, admit: Callable[[bytes], None]) -> dict[str, Any]:
    """See `_read`; a large answer is read in a thread, and what is no object is an empty one."""
    is_large = large_json.is_large(answer)
    document = await asyncio.to_thread(_read, answer, admit) if is_large else _read(answer, admit)
    return document if isinstance(document, dict) else {}


def _read(answer: bytes, admit: Callable[[bytes], None]) -> Any:
    """Raises HostError for what cannot be kept, such as a half of a character, and what `admit` raises."""
    admit(answer)
    try:
        return large_json.read(answer)
    except orjson.JSONDecodeError as error:
        raise HostError(f"The node gave a value that cannot be kept: {error}") from error


async def large_dumps(value: Any) -> bytes:
    """The value as JSON, for Node."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates, which JavaScript reads as its own kind of number and text.
        return json.dumps(value, default=str).encode()
