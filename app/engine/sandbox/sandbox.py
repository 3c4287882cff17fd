"""The sandbox as the engine sees it: evaluate templates, run Code nodes. Knows no workflow and no node."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import orjson

from app import json_sizes
from app.engine.sandbox import checks
from app.engine.sandbox.errors import MEMORY_SETTING, SandboxError, SandboxMemory
from app.engine.sandbox.lanes import ProcessKind
from app.engine.sandbox.pool import Pool
from app.engine.sandbox.program import launch
from app.engine.sandbox.requests import Ask, ProcessTraits
from app.json_parts import JsonWriter

G = TypeVar("G")
T = TypeVar("T")
MANY_ITEMS = 1_000
"""Items that are not looked at to know whether they are written beside the loop."""
MOST_BYTES = 2**31
"""Of what a program is to see; a frame tells its length in 32 bits."""
LARGE = 2**20
"""Bytes of an answer; a shorter one is read at once."""
_LENGTH = struct.Struct(">I")
MEMORY_MB = 256


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What a Code node gave: n8n items, and the lines that it wrote to its console."""

    items: list[dict[str, Any]]
    console: list[str] = field(default_factory=list)


class Sandbox:
    """JavaScript for one worker, in processes of its own; each process serves one project and no other.

    Use it as an async context manager, and `for_project` for what runs in it. Times are in seconds of one request,
    memory is a process's heap in MiB. At most `processes` serve projects at once, of each at most `code_processes`
    for its Code nodes; `spares` of each kind are kept warm for the next project.
    """

    def __init__(
        self,
        *,
        expression_timeout: float = 5.0,
        code_timeout: float = 60.0,
        code_processes: int = 2,
        processes: int = 24,
        spares: int = 1,
        memory_mb: int = MEMORY_MB,
    ) -> None:
        self._expression_timeout = expression_timeout
        self._code_timeout = code_timeout
        self._memory_mb = memory_mb
        self._project = ""
        # Half of what a process may hold is more than its own program and one run's leavings ever take.
        heap_bytes = memory_mb * 2**20 // 2
        kinds = {
            "expressions": ProcessKind(
                partial(launch, "expressions", memory_mb), ProcessTraits(serial=True), heap_bytes, spares=spares
            ),
            "code": ProcessKind(
                partial(launch, "code", memory_mb), ProcessTraits(), heap_bytes, code_processes, spares
            ),
        }
        self._pool = Pool(kinds, processes=processes)

    @property
    def project_id(self) -> str:
        """The project that this view of the sandbox is for; empty for that of a whole worker."""
        return self._project

    def for_project(self, project_id: str) -> Sandbox:
        """The same sandbox for what belongs to that project."""
        # As copy.copy in a fraction of its time: each execution has one of its own.
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._project = project_id
        return view

    async def __aenter__(self) -> Sandbox:
        await self._pool.start("expressions")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._pool.close()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return self._pool.pids

    @property
    def ended(self) -> int:
        """How many processes were killed at a limit of time or memory, or died by themselves."""
        return self._pool.ended

    async def evaluate(
        self,
        templates: Sequence[str],
        scope: dict[str, Any],
        *,
        admit: Callable[[bytes], None] = lambda answer: None,
    ) -> list[list[Any]]:
        """The values of the templates (with their leading "=") for every item: result[item][template].

        A template that is one single {{ expression }} keeps the value's type, every other one gives text. What the
        expressions set as custom data is put into scope["customData"].

        Where scope["exact"] is set, it is left as the places of what JSON has written as null without being it, each
        [item, template, "undefined" | "NaN" | "Infinity" | "-Infinity", the message of the error if one was thrown].

        Where scope["marks"] is set, what fails does not end the others: it gives None, and scope["failed"] is left as
        (item, template, error) of each.

        `admit` hears of the answer's JSON before it is read, and what it raises is raised.

        Raises ExpressionError for what n8n lets fail the node; any other JavaScript error gives None. Raises
        SandboxTimeout or SandboxMemory when a limit was reached.
        """
        marks = bool(scope.get("marks"))
        texts = _encode({"templates": list(templates), "marks": marks})
        payload = await _payload(texts, scope)
        given = await self._request("expressions", payload, self._expression_timeout)
        answer = await _judge(partial(checks.document, admit=admit), given, large=len(given) > LARGE)
        _keep_data(answer, scope)
        indexes = scope.get("itemIndexes")
        rows = checks.rows(answer, len(scope.get("items") or () if indexes is None else indexes), len(templates))
        if marks:
            scope["failed"] = checks.failures(answer, len(rows), len(templates))
        if scope.get("exact"):
            scope["exact"] = checks.exact(answer, len(rows), len(templates))
        return rows

    async def run_code(
        self,
        source: str,
        scope: dict[str, Any],
        *,
        each_item: bool = False,
        continue_on_fail: bool = False,
        compiles: bool = False,
        timeout: float | None = None,
        ask: Ask | None = None,
        admit: Callable[[bytes], None] = lambda answer: None,
    ) -> CodeResult:
        """Run a Code node's program once, or once for each item, and give the items that it returned.

        With `continue_on_fail`, an item for which the program throws (each_item) becomes {"json": {"error": ...}}.
        `compiles`: the program may make functions of strings, by `$makeFunction`; for programs of ours only.
        `admit` hears of the answer's JSON before it is read, and what it raises is raised.
        `ask` answers what the program asks of the world outside (js/realm/code-helpers.js); what it raises is raised.
        What it set as custom data is put into scope["customData"], what it kept as static data into
        scope["staticData"] ({"global": {...}, "node": {...}}).

        Raises CodeError when it fails or returns no items; SandboxTimeout or SandboxMemory at a limit.
        """
        options = _encode(
            {"source": source, "eachItem": each_item, "continueOnFail": continue_on_fail, "compiles": compiles}
        )
        payload = await _payload(options, scope)
        given = await self._request("code", payload, timeout or self._code_timeout, ask)
        large = len(given) > LARGE
        answer = await _judge(partial(checks.document, admit=admit), given, large=large)
        _keep_data(answer, scope)
        return CodeResult(await _judge(checks.items_of, answer, large=large), checks.console(answer))

    async def _request(self, kind: str, payload: bytes, seconds: float, ask: Ask | None = None) -> bytes:
        """A process's answer. Raises what a request to one does, SandboxMemory in words that name its setting."""
        try:
            return await self._pool.request(kind, self._project, payload, seconds, ask)
        except SandboxMemory as error:
            raise SandboxMemory(f"{error}: {self._memory_mb:,} MiB. {MEMORY_SETTING} sets how much that is.") from error


async def _judge(check: Callable[[G], T], given: G, *, large: bool) -> T:
    """What a check says of an answer; of a large one in a thread, so that the loop goes on."""
    return await asyncio.to_thread(check, given) if large else check(given)


async def _payload(head: bytes, scope: dict[str, Any]) -> bytes:
    """What is sent: both parts of it; of many items, or large ones, written beside the loop."""
    items = scope.get("items") or []
    if len(items) > MANY_ITEMS or json_sizes.is_heavy([scope]):
        written = await asyncio.to_thread(_write_parts, scope)
    else:
        written = _encode(scope)
    return b"".join((_LENGTH.pack(len(head)), head, written))


def _write_parts(scope: dict[str, Any]) -> bytes:
    """As much at a time as other threads can wait for. Raises SandboxError."""
    try:
        return JsonWriter(MOST_BYTES, lambda value, most: 0).encode(scope, levels=0)
    except ValueError as error:
        raise SandboxError(f"What the JavaScript is to see cannot be written: {error}") from error


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates, which JavaScript reads as its own kind of number and text.
        return json.dumps(value).encode()


def _keep_data(answer: dict[str, Any], scope: dict[str, Any]) -> None:
    for name, data in (("customData", checks.custom_data(answer)), ("staticData", checks.static_data(answer))):
        if data is not None:
            scope[name] = data
