"""Ends a sandbox process that is silent, or works for a request that is over its time; knows whose fault that was."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.engine.sandbox.deadlines import Deadlines
from app.engine.sandbox.errors import SandboxComputing, SandboxError, SandboxTimeout
from app.engine.sandbox.process import NodeProcess
from app.engine.sandbox.requests import ProcessTraits, SandboxRequest
from app.engine.sandbox.silence import Silence
from app.engine.sandbox.timer import Timer

log = logging.getLogger(__name__)

Blame = tuple[int, SandboxError]
"""The request for which a process was ended, and what that one fails with."""


class ProcessWatchdog:
    """Watches the processes of one interpreter, one after the other, while they work for its `requests`.

    A request that is over its time without running costs no process: it fails, and `drop` is called with it. While
    one request holds the process, `on_held` is called at least twice a second.
    """

    def __init__(
        self,
        mode: str,
        traits: ProcessTraits,
        requests: Mapping[int, SandboxRequest],
        drop: Callable[[SandboxRequest], None],
        on_held: Callable[[], None] = lambda: None,
    ) -> None:
        self._mode = mode
        self._traits = traits
        self._requests = requests
        self._drop = drop
        self._on_held = on_held
        self._process: NodeProcess | None = None
        self._running: int | None = None
        self._entered_at = 0.0
        self._deadlines = Deadlines(traits.serial)
        self._silence: Silence | None = None
        self._timer = Timer(self._look, self._move_deadlines)
        self._blame: Blame | None = None
        self.unwanted = False
        """The process may compute for nobody, and has not answered since."""

    @property
    def held(self) -> bool:
        """Whether one request's JavaScript has run for long without a pause, so that the others wait."""
        most = self._traits.held_seconds
        if self._traits.marks:
            return self._silence is not None and self._silence.seconds >= most
        return self._running is not None and asyncio.get_running_loop().time() - self._entered_at >= most

    def watch(self, process: NodeProcess) -> None:
        """The requests go to this process now."""
        self._process = process
        # One that takes one request at a time needs no question: it waits for the next or is within a deadline.
        if not self._traits.serial:
            self._silence = Silence(process, self._traits.silent_seconds)
            self._timer.look_within(self._silence.next_look)

    def stop(self) -> None:
        """Watch nothing any more."""
        self._timer.cancel()
        self._process = None

    def begin(self, request: SandboxRequest) -> None:
        """The request has its time from now on."""
        self._timer.look_within(self._deadlines.begin(request))

    def enter(self, request_id: int) -> None:
        """This request's JavaScript runs now; when it does so for the first time, its time begins."""
        if not self._traits.marks:
            self._running, self._entered_at = request_id, asyncio.get_running_loop().time()
        request = self._requests.get(request_id)
        if request is not None and not request.entered:
            request.entered = True
            self.begin(request)

    def leave(self) -> None:
        """No JavaScript runs now."""
        self._running = None

    def answered(self) -> bool:
        """The process has said something; returns whether it might have computed for nobody until now."""
        if self._silence is not None:
            self._silence.end()
        was_unwanted, self.unwanted = self.unwanted, False
        return was_unwanted

    def let_go(self, request_id: int, *, dropped: bool = False) -> None:
        """Nothing more is wanted of the request; if its JavaScript runs now, it must end soon.

        `dropped`: it has not answered, and the process has been told to forget it.
        """
        if dropped and self._process is not None:
            self.unwanted = self.unwanted or (self._traits.marks and self._process.mark == request_id)
        if self._running == request_id:
            self._timer.look_within(self._deadlines.end_soon())

    def process_ended(self, process: NodeProcess) -> tuple[int | None, Blame | None]:
        """The id of the request that ran in it, and which one it was ended for, if it did not end by itself."""
        running = process.mark if self._traits.marks else self._running
        blame = self._blame
        self._process = self._silence = self._running = self._blame = None
        self.unwanted = False
        return running, blame

    def _look(self, now: float) -> None:
        """What is over its time is ended; says when to look again."""
        if self._process is None or self._blame is not None:
            return
        if self._silence is not None:
            if self._running is None and self._silence.look(hurried=self.unwanted):
                self._end_silent(self._process)
                return
            self._timer.look_within(self._silence.next_look)
        overdue = self._deadlines.look(now, self._requests, self._running)
        if overdue.killing is not None:
            request = self._requests.get(overdue.killing)
            said = "The JavaScript did not end" if request is None else request.time_is_up()
            self._blame = overdue.killing, SandboxTimeout(said)
            self._process.kill()
            return
        for request in overdue.dropped:
            computes = self.held and self._process.mark == request.id
            request.fail((SandboxComputing if computes else SandboxTimeout)(request.time_is_up()))
            self._drop(request)
        if overdue.next_look is not None:
            self._timer.look_within(overdue.next_look)
        if self.held:
            self._on_held()

    def _end_silent(self, process: NodeProcess) -> None:
        log.warning("sandbox process %s (%s) does not answer", process.pid, self._mode)
        marked = process.mark if self._traits.marks else None
        self._blame = None if marked is None else (marked, SandboxComputing("The JavaScript did not end"))
        process.kill()

    def _move_deadlines(self, seconds: float) -> None:
        self._deadlines.move(self._requests.values(), seconds)
