"""Computing that may take long: beside the event loop where a node says so, and interrupted where it blocks the loop.

A node's Python runs on the loop of its worker, which every other execution waits for. What grows with the items goes
through `compute`: a thread of its own, which ends when the execution is stopped. For what slips through, `node_runs`
tells a watchdog whose turn it is, so that it can raise Interrupted in a node and nowhere else.
"""

import _thread
import asyncio
import contextlib
import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, NamedTuple, TypeVar

from app import json_sizes

T = TypeVar("T")

raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc

FEW = 100
"""So many items are computed on the loop: a thread would cost more than it saves."""
BYTES_OF_ONE = 10_000
"""Reading or writing so much counts as one item that is computed: above a MiB it is for a thread."""
PLAIN = 20
"""How many times less than other computing it takes to pair an item, or to fill in its parameters: a thread pays for so
many more of them."""
ENTRIES = 20
"""So many entries of its parameters take a node no longer than an item does by itself."""
SLICE_SECONDS = 0.02
"""How long nodes that compute on the loop keep it between two turns."""
AGAIN_SECONDS = 0.1
"""How soon a thread that was asked to end is asked again: an exception can be lost, in a destructor for example."""


class Interrupted(BaseException):
    """Raised in the middle of a node's computing. No Exception, so that no node takes it for a failure of its own."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class NodeTurn(NamedTuple):
    """The node that runs, and the execution that it is part of."""

    node: str
    execution_id: str


_turned_at = 0.0  # of the one loop of this process; where there are several, each turns a little more often
_turn: ContextVar[NodeTurn | None] = ContextVar("turn", default=None)


def current_turn() -> NodeTurn | None:
    """The node whose Python runs in this context, also in the tasks that it has made."""
    return _turn.get()


class node_runs:  # a generator with contextlib takes three times as long, and every node pays it
    """While this lasts, the node may be interrupted; with None, what runs may not be."""

    __slots__ = ("_before", "_turn")

    def __init__(self, turn: NodeTurn | None) -> None:
        self._turn = turn

    def __enter__(self) -> None:
        self._before = _turn.set(self._turn)

    def __exit__(self, *_: object) -> None:
        _turn.reset(self._before)


async def compute(work: Callable[..., T], *arguments: Any, size: float = float("inf")) -> T:
    """What `work` returns or raises, computed in a thread, so that the loop goes on.

    Done at once where `size`, a number of items, is small. Cancelling ends the thread at its next step in Python;
    `work` must leave nothing half done that others see.
    """
    if size <= FEW:
        return work(*arguments)
    job = _Job(partial(copy_context().run, work, *arguments), asyncio.get_running_loop())
    try:
        returned: T = await job.result
        return returned
    finally:
        job.end()
        # What was raised knows this frame and the job knows what was raised: in a circle with all that the work had
        # made, which would stay until the collector comes by.
        del job


def count_work(values: Sequence[Any]) -> float:
    """How many items the values are as `compute` counts them: few that are large are many."""
    if len(values) > FEW:
        return len(values)
    return float("inf") if json_sizes.is_heavy(values) else len(values)


def count_steps(items: Sequence[Any], asked: Any = ()) -> float:
    """The size, for `compute`, of work that looks at all of each item, or at each for every entry of what is `asked`:
    the values in parameters, and the names in their texts."""
    size = count_work(items)
    return size if size > FEW else size * max(1.0, _count_entries(asked, FEW * ENTRIES) / ENTRIES)


def _count_entries(asked: Any, most: int) -> int:
    """Not counted on far beyond `most`."""
    count, containers = 0, [[asked]]
    for container in containers:  # which grows meanwhile
        for value in container:
            if isinstance(value, str):
                count += value.count(",")
            elif isinstance(value, dict | list):
                count += len(value)
                containers.append(list(value.values()) if isinstance(value, dict) else value)
        if count > most:
            break
    return count


def slice_is_over() -> bool:
    """Whether `yield_to_loop` would let the loop turn: for loops in which even a call of that costs much."""
    return time.monotonic() - _turned_at > SLICE_SECONDS


async def yield_to_loop() -> None:
    """Let the loop turn where it has not for a while: to be awaited between two items of a node that computes."""
    global _turned_at
    if slice_is_over():
        await asyncio.sleep(0)
        _turned_at = time.monotonic()


class _Job:
    """One thread for one piece of work."""

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.result: asyncio.Future[Any] = loop.create_future()
        self._work = work
        self._loop = loop
        self._lock = threading.Lock()
        self._ident: int | None = None
        self._over = False
        # A thread of the threading module costs three times as much, because it waits for the other one to begin.
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        returned, raised = None, None
        try:
            try:
                self._ident = _thread.get_ident()
                returned = self._work()
            except BaseException as error:
                raised = error
            # From here on nobody interrupts this thread, and nobody a later one of the same number.
            with self._lock:
                self._over = True
        except Interrupted as error:
            raised, self._over = error, True
        with contextlib.suppress(RuntimeError, Interrupted):  # the loop may be closed by now
            self._loop.call_soon_threadsafe(self._hand_in, returned, raised)
        del self, returned, raised  # a circle, as in `compute`

    def _hand_in(self, returned: Any, raised: BaseException | None) -> None:
        if self.result.done():
            return
        if isinstance(raised, StopIteration):
            raised = RuntimeError("the work raised StopIteration")
        if raised is None:
            self.result.set_result(returned)
        else:
            self.result.set_exception(raised)

    def end(self) -> None:
        """Interrupt the work, if it still goes on, until it has ended."""
        with self._lock:
            if self._over:
                return
            if self._ident is not None:
                raise_in_thread(ctypes.c_ulong(self._ident), ctypes.py_object(Interrupted))
        with contextlib.suppress(RuntimeError):
            self._loop.call_later(AGAIN_SECONDS, self.end)
