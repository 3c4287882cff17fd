"""Keeps one kind of Node process alive and brings every request to an end: an answer, a time-out or an error.

JavaScript in the sandbox has no side effects, so a request that was in flight when its process had to be killed
because of another one is simply sent again to the next process.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
from dataclasses import dataclass, field

from app.engine.sandbox.errors import SandboxError, SandboxMemory, SandboxTimeout
from app.engine.sandbox.process import NodeProcess

log = logging.getLogger(__name__)

# Kinds of frames from the process.
ANSWER, ENTER, LEAVE = 0, 1, 2
# Kinds of frames to the process.
RUN, DROP = 0, 1

# A process that takes no requests after this long will not take any.
START_SECONDS = 30.0
# How long an abandoned or finished request may still run before its process is killed.
GRACE_SECONDS = 0.25
# A request that ran in this many processes that died for no known reason is given up.
MAX_ATTEMPTS = 3


@dataclass(eq=False, slots=True)
class Request:
    """A request in flight; `deadline` is set while (or since) its JavaScript runs, on the loop's clock."""

    id: int
    payload: bytes
    limit: float
    future: asyncio.Future[bytes]
    deadline: float | None = None
    abandoned: bool = False
    attempts: int = field(default=1)


class Interpreter:
    """One process of a mode ("expressions": one request at a time; "code": many at once) and its requests."""

    def __init__(self, mode: str, memory_mb: int) -> None:
        self._mode = mode
        self._serial = mode == "expressions"
        self.ended = 0
        """Processes that were killed at a limit or died by themselves."""
        self._memory_mb = memory_mb
        self._ids = itertools.count(1)
        self._requests: dict[int, Request] = {}
        self._process: NodeProcess | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._running: int | None = None
        self._over_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._blame: tuple[int, SandboxError] | None = None
        self._closed = False

    @property
    def load(self) -> int:
        """How many requests are in flight."""
        return len(self._requests)

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process, if none runs, and wait until it takes requests. Raises SandboxError if it cannot."""
        if self._ready is None:
            self._launch()
        assert self._ready is not None
        await asyncio.shield(self._ready)

    async def request(self, payload: bytes, limit: float) -> bytes:
        """The process's answer. Raises SandboxTimeout after `limit` seconds of it, SandboxMemory, SandboxError.

        Cancelling the caller ends the JavaScript, too.
        """
        if self._closed:
            raise SandboxError("The sandbox is closed")
        loop = asyncio.get_running_loop()
        request = Request(next(self._ids), payload, limit, loop.create_future())
        self._requests[request.id] = request
        if self._process is not None:
            self._send(self._process, request)
        elif self._ready is None:
            self._launch()
        try:
            return await request.future
        except asyncio.CancelledError:
            self._abandon(request)
            raise

    async def close(self) -> None:
        """End the process; requests in flight fail."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._process is not None:
            await self._process.close()
        self._fail_all(SandboxError("The sandbox is closed"))

    # Starting

    def _launch(self) -> None:
        self._ready = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        self._starting = asyncio.create_task(self._start_process())

    async def _start_process(self) -> None:
        try:
            process = await NodeProcess.start(self._mode, self._memory_mb, self)
        except OSError as error:
            self._start_failed(f"The sandbox process could not be started: {error}")
            return
        if self._closed:
            await process.close()
            return
        self._process = process
        asyncio.get_running_loop().call_later(START_SECONDS, self._check_start, process)
        for request in list(self._requests.values()):
            self._send(process, request)

    def _check_start(self, process: NodeProcess) -> None:
        if self._process is process and self._ready is not None and not self._ready.done():
            process.kill()

    def _start_failed(self, message: str) -> None:
        error = SandboxError(message)
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        self._ready = None
        self._fail_all(error)

    def _send(self, process: NodeProcess, request: Request) -> None:
        process.write(request.id, RUN, request.payload)
        if self._serial and self._ready is not None and self._ready.done() and len(self._requests) == 1:
            self._begin(request)

    # What the process says

    def frame_received(self, request_id: int, kind: int, payload: bytes) -> None:
        if request_id == 0:
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
            self._begin_next()
        elif kind == ENTER:
            self._running = request_id
            request = self._requests.get(request_id)
            if request is not None and request.deadline is None:
                self._begin(request)
        elif kind == LEAVE:
            self._running = None
        else:
            request = self._requests.pop(request_id, None)
            if request is not None and not request.future.done():
                request.future.set_result(payload)
            self._begin_next()
            self._watch_end(request_id)

    def process_ended(self, process: NodeProcess) -> None:
        self.ended += not self._closed
        running, self._running = self._running, None
        blame, self._blame = self._blame, None
        self._process = None
        if self._closed:
            return
        if self._ready is not None and not self._ready.done():
            words = "\n".join(process.last_words)
            self._start_failed(f"The sandbox process ended as it started ({process.returncode}): {words}")
            return
        self._ready = None
        if blame is not None:
            self._fail(self._requests.pop(blame[0], None), blame[1])
        else:
            log.warning("sandbox process %s (%s) ended: %s", process.pid, self._mode, process.returncode)
            self._suspect(next(iter(self._requests), None) if self._serial else running, process)
        for request in list(self._requests.values()):
            request.deadline = None
            if request.abandoned:
                del self._requests[request.id]
        if self._requests:
            self._launch()

    def _suspect(self, running: int | None, process: NodeProcess) -> None:
        """The process died by itself: what ran when it hit the memory limit is to blame; else whatever dies often."""
        suspects = [running] if running in self._requests else list(self._requests)
        for request_id in suspects:
            request = self._requests[request_id]
            request.attempts += 1
            if _hit_memory_limit(process):
                error: SandboxError = SandboxMemory("The JavaScript needed more memory than it may use")
                if request_id != running and request.attempts <= MAX_ATTEMPTS:
                    continue
            elif request.attempts <= MAX_ATTEMPTS:
                continue
            else:
                error = SandboxError(f"The sandbox process ended unexpectedly ({process.returncode})")
            del self._requests[request_id]
            self._fail(request, error)

    # Time

    def _begin_next(self) -> None:
        if self._serial:
            request = next(iter(self._requests.values()), None)
            if request is not None:
                self._begin(request)

    def _begin(self, request: Request) -> None:
        limit = GRACE_SECONDS if request.abandoned else request.limit
        request.deadline = asyncio.get_running_loop().time() + limit
        self._check_in(limit)

    def _abandon(self, request: Request) -> None:
        """Nobody waits for the answer any more: it may still come, but not for long."""
        if request.id not in self._requests:
            return
        if not self._serial:
            del self._requests[request.id]
            if self._process is not None:
                self._process.write(request.id, DROP, b"")
            self._watch_end(request.id)
            return
        request.abandoned = True
        if request.deadline is not None:
            self._begin(request)

    def _watch_end(self, request_id: int) -> None:
        """Nothing more is wanted of the request; if its JavaScript runs now, it must end soon."""
        if self._running == request_id:
            self._over_at = asyncio.get_running_loop().time() + GRACE_SECONDS
            self._check_in(GRACE_SECONDS)

    def _check_in(self, seconds: float) -> None:
        """See to it that the deadlines are looked at no later than that; a timer that is set is left alone."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._timer is not None:
            if self._tick_at <= at:
                return
            self._timer.cancel()
        self._tick_at = at
        self._timer = loop.call_at(at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._closed or self._process is None or self._blame is not None:
            return
        now = asyncio.get_running_loop().time()
        following = []
        if self._running is not None and self._running not in self._requests:
            # What runs has answered or was dropped; it must not hold up the others.
            if now >= self._over_at:
                self._kill(self._running, SandboxTimeout("The JavaScript did not end"))
                return
            following.append(self._over_at - now)
        for request in list(self._requests.values()):
            if request.deadline is None:
                continue
            if now < request.deadline:
                following.append(request.deadline - now)
            elif self._serial or self._running == request.id:
                self._kill(request.id, SandboxTimeout(_time_out(request)))
                return
            elif self._running is None:
                del self._requests[request.id]
                self._process.write(request.id, DROP, b"")
                self._fail(request, SandboxTimeout(_time_out(request)))
            else:
                # Another one runs; its own deadline comes, and then it is this one's turn.
                following.append(GRACE_SECONDS)
        if following:
            self._check_in(min(following))

    def _kill(self, request_id: int, error: SandboxError) -> None:
        assert self._process is not None
        self._blame = request_id, error
        self._process.kill()

    # Ends

    def _fail(self, request: Request | None, error: SandboxError) -> None:
        if request is not None and not request.future.done():
            request.future.set_exception(error)

    def _fail_all(self, error: SandboxError) -> None:
        requests, self._requests = self._requests, {}
        for request in requests.values():
            self._fail(request, error)


def _time_out(request: Request) -> str:
    return f"The JavaScript did not finish within {request.limit:g} seconds"


def _hit_memory_limit(process: NodeProcess) -> bool:
    words = " ".join(process.last_words).lower()
    # V8 aborts at its limit, and says so unless the memory for saying it is missing, too.
    return "out of memory" in words or "allocation failed" in words or process.returncode == -signal.SIGABRT
