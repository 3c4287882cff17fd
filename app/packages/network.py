"""The connections of one call: each is a stream over the frames of its package process, and is opened here, where the
rules of outgoing connections hold for it.

A frame: the number of the connection (u32), what it is (u8), its bytes. See js/network.js.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import struct
from collections.abc import Callable
from typing import Any

import orjson

from app.outgoing.addresses import AddressRefused, AddressRules, UnknownHost
from app.outgoing.sockets import open_stream

OPEN, DATA, END, CLOSE, ACK = 0, 1, 2, 3, 4
MAX_CONNECTIONS = 100
"""Of one call, at the same time."""
PIECE = 2**16
WINDOW = 2**20
"""So many bytes may be on their way to the process before it has taken the first of them, and from it: its own program
sends PIECE by PIECE, each when the one before has gone."""
_HEAD = struct.Struct(">IB")
_SIZE = struct.Struct(">I")


class Network:
    """The connections that one call has open; without rules it may have none.

    It is the call's channel: see app.engine.sandbox.requests.Channel.
    """

    def __init__(self, rules: AddressRules | None) -> None:
        self.touched = False
        self._rules = rules
        self._send: Callable[[bytes], None] = lambda _: None
        self._connections: dict[int, _Connection] = {}
        self.endings: list[Callable[[], None]] = []
        """What is to be done once the call is not in its process any more."""

    def attach(self, send: Callable[[bytes], None]) -> None:
        """See `Channel.attach`."""
        self._send = send

    def detach(self) -> None:
        """See `Channel.detach`; closes every connection."""
        while self.endings:
            self.endings.pop()()
        for connection in list(self._connections.values()):
            connection.end()
        self._connections.clear()
        self._send = lambda _: None

    def received(self, payload: bytes) -> None:
        """See `Channel.received`; a frame that is too short, or of a connection that is gone, is passed over."""
        if len(payload) < _HEAD.size:
            return
        number, kind = _HEAD.unpack_from(payload)
        content = payload[_HEAD.size :]
        if kind == OPEN:
            self._open(number, content)
        elif (connection := self._connections.get(number)) is not None:
            if kind == CLOSE:
                del self._connections[number]
                connection.end()
            else:
                connection.take(kind, content)

    def say(self, number: int, kind: int, content: bytes = b"") -> None:
        """Send a frame about a connection."""
        self._send(_HEAD.pack(number, kind) + content)

    def forget(self, number: int) -> None:
        """A connection is closed."""
        self._connections.pop(number, None)

    def _open(self, number: int, content: bytes) -> None:
        try:
            asked = orjson.loads(content)
            host, port = str(asked["host"]), int(asked["port"])
        except (ValueError, KeyError, TypeError):
            self.say(number, CLOSE, _failure("EINVAL", "The address could not be understood"))
            return
        if self._rules is None:
            self.say(number, CLOSE, _failure("EACCES", "This execution cannot reach other machines."))
            return
        if number in self._connections or len(self._connections) >= MAX_CONNECTIONS:
            said = f"A node may have {MAX_CONNECTIONS} connections at once"
            self.say(number, CLOSE, _failure("EMFILE", said))
            return
        self.touched = True
        self._connections[number] = _Connection(self, number, self._rules, host, port)


class _Connection:
    """One connection: what it says goes to the process, what the process says goes to it."""

    def __init__(self, network: Network, number: int, rules: AddressRules, host: str, port: int) -> None:
        self._network = network
        self._number = number
        self._under_way = 0
        self._unsent = 0
        self._room = asyncio.Event()
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(rules, host, port))

    def take(self, kind: int, content: bytes) -> None:
        if kind == DATA:
            self._unsent += len(content)
            if self._unsent > WINDOW:
                self._close(_failure("ENOBUFS", "More was sent than the other side has read"))
                self.end()
                return
            self._outbox.put_nowait(content)
        elif kind == END:
            self._outbox.put_nowait(None)
        elif kind == ACK and len(content) == _SIZE.size:
            # Never ahead of what it got: nobody would wait for it any more.
            self._under_way = max(0, self._under_way - _SIZE.unpack(content)[0])
            self._room.set()

    def end(self) -> None:
        self._task.cancel()

    async def _run(self, rules: AddressRules, host: str, port: int) -> None:
        try:
            reader, writer = await open_stream(rules, host, port)
        except (AddressRefused, UnknownHost, OSError) as error:
            self._fail(error, host, port)
            return
        writing = asyncio.create_task(self._write(writer))
        try:
            address = writer.get_extra_info("peername")
            family = "IPv6" if ":" in address[0] else "IPv4"
            about = {"address": address[0], "port": address[1], "family": family}
            self._network.say(self._number, OPEN, orjson.dumps(about))
            await self._read(reader)
            # Its other half may still be written; it is closed when that ends, or the process wants it.
            await writing
            self._close(None)
        except OSError as error:
            self._close(_failure(_code(error), f"read {_code(error)}"))
        finally:
            writing.cancel()
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(writing, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(PIECE):
            self._under_way += len(data)
            self._network.say(self._number, DATA, data)
            while self._under_way > WINDOW:
                self._room.clear()
                await self._room.wait()
        self._network.say(self._number, END)

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        while (content := await self._outbox.get()) is not None:
            writer.write(content)
            await writer.drain()
            self._unsent -= len(content)
            self._network.say(self._number, ACK, _SIZE.pack(len(content)))
        if writer.can_write_eof():
            writer.write_eof()

    def _fail(self, error: Exception, host: str, port: int) -> None:
        if isinstance(error, AddressRefused):
            self._close(_failure("EACCES", str(error)))
        elif isinstance(error, UnknownHost):
            self._close(_failure("ENOTFOUND", str(error), hostname=host, syscall="getaddrinfo"))
        else:
            code = _code(error)
            self._close(_failure(code, f"connect {code} {host}:{port}", address=host, port=port, syscall="connect"))

    def _close(self, failure: bytes | None) -> None:
        self._network.forget(self._number)
        self._network.say(self._number, CLOSE, failure or b"")


def _failure(code: str, message: str, **more: Any) -> bytes:
    return orjson.dumps({"message": message, "code": code, "errno": code, **more})


def _code(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number or errno.ECONNREFUSED, "ECONNREFUSED")
