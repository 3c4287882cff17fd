"""Interrupts a node that blocks the event loop of this process, so that everything else on it goes on.

A timer's signal checks a few times a second whether the loop still runs. Python checks for signals between its
steps, and so do its regular expressions; a handler that raises ends what runs, whoever wrote it. C code that looks at
no signals, such as one call that parses a large text, ends first.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from app.engine.run.computing import Interrupted, NodeTurn, current_turn

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
BREATH_SECONDS = 0.02
"""For so long at each look the other threads, the beat's among them, have their turn: a regular expression gives them
none by itself."""
STOPPING_SECONDS = 1.0
"""How long a node may hold the loop of a worker that has been told to stop."""
FORCE_SECONDS = 1.0
"""How much longer it may take than it should until this process is gone, whatever holds its loop."""
SPARED = (
    "asyncio",
    "httpcore",
    "httpx",
    "psycopg",
    "app.engine.run.computing",
    "app.engine.sandbox",
    "app.outgoing",
    "app.repository",
    "app.worker",
)
"""What other executions share, and what begins and ends a node's turn and its threads. Interrupted in the middle, it
would be left in a state that nobody expects: a turn that never ends lets what comes after the node be interrupted."""


class Pulse:
    """When the loop turned last, for other threads and for signals to see."""

    def __init__(self) -> None:
        self._turned_at = time.monotonic()
        self._cpu = 0.0
        self.observe: Callable[[float], None] = lambda seconds: None
        """Hears at each turn how many seconds late it came."""

    async def run(self) -> None:
        """Note each turn, until cancelled."""
        while True:
            self._turned_at, self._cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(LOOK_SECONDS / 2)
            self.observe(max(0.0, self.silence - LOOK_SECONDS / 2))

    @property
    def silence(self) -> float:
        """Seconds since the loop turned."""
        return time.monotonic() - self._turned_at

    @property
    def computed(self) -> float:
        """Seconds of CPU that the loop's thread has used since. To be asked in that thread."""
        return time.thread_time() - self._cpu


class Watchdog:
    """The watch over the loop of the main thread, which is where signals are handled."""

    def __init__(self, pulse: Pulse, node_seconds: float, hand_over: Callable[[int], None]) -> None:
        """`hand_over` hears of an execution whose node is ended because the worker is stopping."""
        self._pulse = pulse
        self._node_seconds = node_seconds
        self._hand_over = hand_over
        self._stopping = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch, from the main thread, while this lasts."""
        before = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def stop_within(self, seconds: float, left: Callable[[], float]) -> None:
        """The worker has been told to stop: whatever happens, this process is gone FORCE_SECONDS later than it should.

        It should be after so many seconds, or when none is `left` any more: see Leaving.
        """
        if self._stopping:
            return
        self._stopping = True
        last = threading.Timer(seconds, _leave, [left])
        last.daemon = True
        last.start()

    def _look(self, number: int, frame: FrameType | None) -> None:
        if self._pulse.silence > 2 * LOOK_SECONDS:
            time.sleep(BREATH_SECONDS)
        limit = STOPPING_SECONDS if self._stopping else self._node_seconds
        # A machine that slept, or has no time for this process, makes silence without anybody's computing.
        if self._pulse.silence < limit or self._pulse.computed < limit / 4:
            return
        turn = current_turn()
        if turn is None or not is_interruptible(frame):
            return
        self._interrupt(turn, limit)

    def _interrupt(self, turn: NodeTurn, limit: float) -> None:
        log.warning(
            "node held the loop", extra={"execution": turn.execution_id, "node": turn.node, "seconds": round(limit, 1)}
        )
        if self._stopping and turn.execution_id.isdecimal():
            self._hand_over(int(turn.execution_id))
            raise asyncio.CancelledError
        raise Interrupted(
            f"it let nothing else go on for more than {limit:g} seconds (EXECUTIONS_NODE_SECONDS sets how long it may)"
        )


def is_interruptible(frame: FrameType | None) -> bool:
    """Whether what runs is a node's own computing: the innermost code that is known decides."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if any(module == spared or module.startswith(f"{spared}.") for spared in SPARED):
            return False
        if module.startswith("app."):
            return True
        frame = frame.f_back
    return False


def _leave(left: Callable[[], float]) -> None:
    """End this process: it was told to long ago, and something does not let it."""
    time.sleep(FORCE_SECONDS)
    while left() > -FORCE_SECONDS:
        time.sleep(LOOK_SECONDS)
    log.error("worker leaves by force: something holds it that cannot be interrupted")
    logging.shutdown()
    os._exit(1)
