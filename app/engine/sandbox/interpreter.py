"""Keeps one owner's process of a kind alive and brings every request to an end: an answer, a time-out or an error.

JavaScript in the sandbox has side effects only by what it asks of the worker, which remembers what was asked. So when
a process had to be killed because of one request, the others that were in flight are sent again to the next process.
A request that says that it has touched the world outside fails instead, and so does one that has ended its process
itself where it may not run twice (ProcessTraits.once). Processes come fresh from the spares, and none is ever handed
on: what one project has left in a process ends with it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from functools import partial

from app.engine.sandbox.blame import charge
from app.engine.sandbox.errors import SandboxError
from app.engine.sandbox.process import NodeProcess
from app.engine.sandbox.process_watchdog import ProcessWatchdog
from app.engine.sandbox.requests import Ask, Channel, Moved, ProcessTraits, SandboxRequest
from app.engine.sandbox.spares import Spares

log = logging.getLogger(__name__)

# Kinds of frames from the process.
ANSWER, ENTER, LEAVE, PONG, ASK, STREAM = 0, 1, 2, 3, 4, 16
FULL = b"full"
"""With LEAVE, in the place of the bytes that are held: the process knows itself that it is to take no more."""
# Kinds of frames to the process; STREAM goes both ways.
RUN, DROP, REPLY = 0, 1, 3


class Interpreter:
    """One process of a kind, and its requests.

    `heap_bytes`: with more than this held after a run it takes no more requests. `on_idle` is called with it whenever
    it has none left, `on_held` while one of them keeps others from their turn.
    """

    def __init__(
        self,
        mode: str,
        traits: ProcessTraits,
        spares: Spares,
        heap_bytes: int,
        on_idle: Callable[[Interpreter], None] = lambda _: None,
        on_held: Callable[[Interpreter], None] = lambda _: None,
    ) -> None:
        self._mode = mode
        self._traits = traits
        self._serial = traits.serial
        self._spares = spares
        self._heap_bytes = heap_bytes
        self._on_idle = on_idle
        self.expected = 0
        """Requests that are about to come."""
        self.ended = 0
        """Processes that were killed at a limit or died by themselves."""
        self.retiring = False
        """Takes no more requests, and is to be closed when those that it has are done."""
        self._ids = itertools.count(1)
        self._requests: dict[int, SandboxRequest] = {}
        self._process: NodeProcess | None = None
        self._taking: asyncio.Task[None] | None = None
        self._sent = 0
        self._watchdog = ProcessWatchdog(mode, traits, self._requests, self._drop, lambda: on_held(self))
        self._closed = False

    @property
    def load(self) -> int:
        """How many requests are in flight, about to be, or not let go of yet."""
        return len(self._requests) + self.expected + self._watchdog.unwanted

    @property
    def held(self) -> bool:
        """Whether one request keeps the others from their turn."""
        return self._watchdog.held

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    async def request(
        self,
        payload: bytes,
        limit: float,
        ask: Ask | None = None,
        channel: Channel | None = None,
        *,
        urgent: bool = False,
    ) -> bytes:
        """The process's answer. Raises SandboxTimeout after `limit` seconds of it, SandboxMemory, SandboxError, Moved,
        and what `ask` raises.

        Cancelling the caller ends the JavaScript, too.
        """
        if self._closed:
            raise SandboxError("The sandbox is closed")
        loop = asyncio.get_running_loop()
        request = SandboxRequest(
            next(self._ids), payload, limit, loop.create_future(), urgent, ask=ask, channel=channel
        )
        self._requests[request.id] = request
        if self._process is not None:
            self._send(self._process, request)
        elif self._taking is None:
            self._take()
        try:
            return await request.future
        except asyncio.CancelledError:
            self._abandon(request)
            raise
        finally:
            request.detach()
            del request  # its future knows what was raised here, and that this frame: a circle with what was sent

    async def close(self) -> None:
        """End the process; requests in flight fail."""
        self._closed = True
        self._watchdog.stop()
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)
        self._fail_all(SandboxError("The sandbox is closed"))
        if self._process is not None:
            await self._process.close()

    def retire(self) -> None:
        """Take no more requests; of several that run one after the other, those that have not begun go elsewhere."""
        self.retiring = True
        if not self._serial:
            return
        for request in list(self._requests.values())[1:]:
            del self._requests[request.id]
            request.fail(Moved())

    def hand_on(self, *, urgent: bool = False) -> None:
        """Those that have not begun go elsewhere, or only those that are urgent.

        What they would ask is not answered before they have.
        """
        for request in [request for request in self._requests.values() if not request.entered]:
            if request.urgent or not urgent:
                self._drop(request)
                request.fail(Moved())

    def _take(self) -> None:
        self._taking = asyncio.create_task(self._take_process())

    async def _take_process(self) -> None:
        try:
            process = await self._spares.take()
        except SandboxError as error:
            self._taking = None
            self._fail_all(error)
            return
        self._taking = None
        process.listener = self
        if not process.alive:
            self._take()
            return
        self._process, self._sent = process, 0
        for request in list(self._requests.values()):
            self._send(process, request)
        self._begin_next()
        self._watchdog.watch(process)

    def _send(self, process: NodeProcess, request: SandboxRequest) -> None:
        self._sent += 1
        request.alone = self._sent == 1
        request.attach(partial(process.write, request.id, STREAM))
        process.write(request.id, RUN, request.payload)
        if not self._serial or len(self._requests) == 1:
            self._watchdog.begin(request)

    def frame_received(self, request_id: int, kind: int, payload: bytes) -> None:
        """See ProcessListener. An answer ends its request; frames of requests that are gone are dropped."""
        if kind == PONG:
            self._has_answered()
        elif kind == ENTER:
            self._watchdog.enter(request_id)
        elif kind == LEAVE:
            self._watchdog.leave()
            self._has_answered()
            self._notice_heap(payload)
        elif kind == ASK:
            self._take_question(request_id, payload)
        elif kind == STREAM:
            if (streaming := self._requests.get(request_id)) is not None and streaming.channel is not None:
                streaming.channel.received(payload)
        else:
            request = self._requests.pop(request_id, None)
            if request is not None and not request.future.done():
                request.future.set_result(payload)
            self._begin_next()
            self._watchdog.let_go(request_id)
            self._tell_idle()

    def _take_question(self, request_id: int, question: bytes) -> None:
        """Answer what a program asks, unless it has come to its end, or its process has, by the time that is known."""
        request, process = self._requests.get(request_id), self._process
        if request is None or process is None:
            return

        def reply(answer: bytes) -> None:
            if self._process is process and request.id in self._requests:
                process.write(request.id, REPLY, answer)

        request.take_question(question, reply, partial(self._abandon, request))

    def _notice_heap(self, used: bytes) -> None:
        """What a run leaves behind takes memory from those after it: they get a fresh process instead."""
        if used == FULL or (used.isdigit() and int(used) > self._heap_bytes):
            self.retire()
            self._tell_idle()

    def _tell_idle(self) -> None:
        if not self._requests:
            self._on_idle(self)

    def process_ended(self, process: NodeProcess) -> None:
        """See ProcessListener. The request that ran fails with the reason.

        Those that only waited go to the next process, unless they were abandoned or have changed something outside.
        """
        self.ended += not self._closed
        running, blame = self._watchdog.process_ended(process)
        self._process = None
        if self._closed:
            return
        if blame is not None:
            if (blamed := self._requests.pop(blame[0], None)) is not None:
                blamed.fail(blame[1])
        else:
            log.warning(
                "sandbox process %s (%s) ended: %s", process.pid, self._mode, process.broke or process.returncode
            )
            running = next(iter(self._requests), None) if self._serial else running
            for request, error in charge(self._requests, running, process, once=self._traits.once):
                del self._requests[request.id]
                request.fail(error)
        for request in list(self._requests.values()):
            request.deadline, request.entered = None, False
            request.detach()
            if request.abandoned or request.touched:
                del self._requests[request.id]
                request.fail(SandboxError("What ran beside it ended its process"))
        if self._requests:
            self._take()
        self._tell_idle()

    def _begin_next(self) -> None:
        if self._serial:
            request = next(iter(self._requests.values()), None)
            if request is not None:
                self._watchdog.begin(request)

    def _abandon(self, request: SandboxRequest) -> None:
        """Nobody waits for the answer any more: it may still come, but not for long."""
        if request.id not in self._requests:
            return
        if not self._serial:
            self._drop(request)
            return
        request.abandoned = True
        if request.deadline is not None:
            self._watchdog.begin(request)

    def _drop(self, request: SandboxRequest) -> None:
        """The process is to forget the request."""
        del self._requests[request.id]
        if self._process is not None:
            self._process.write(request.id, DROP, b"")
        self._watchdog.let_go(request.id, dropped=True)
        self._tell_idle()

    def _has_answered(self) -> None:
        if self._watchdog.answered():
            self._tell_idle()

    def _fail_all(self, error: Exception) -> None:
        requests = list(self._requests.values())
        self._requests.clear()
        for request in requests:
            request.fail(error)
