"""Connections that carry any protocol, to addresses that the rules allow."""

import asyncio
import socket
import struct
import sys

from app.outgoing.addresses import AddressRules

CONNECT_SECONDS = 30.0
AT_ONCE_BYTES = 2**20
"""So many wait to be read of a connection whose bytes are counted: libraries read on until none are left."""
_INFO_BYTES, _RECEIVED_AT = 256, 128
"""Of Linux's struct tcp_info; its tcpi_bytes_received."""


async def connect(rules: AddressRules, host: str, port: int, *, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """A connected socket that does not block, to the first address of the host that takes it within so many seconds.

    Raises AddressRefused, UnknownHost, and OSError (of which TimeoutError is one) where nobody answers.
    """
    loop = asyncio.get_running_loop()
    last = OSError(f"No address for {host}")
    for address in await rules.resolve(host, port):
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            async with asyncio.timeout(seconds):
                await loop.sock_connect(made, (address, port))
            return made
        except OSError as error:
            made.close()
            last = error
        except asyncio.CancelledError:
            made.close()
            raise
    raise last


async def open_stream(rules: AddressRules, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The same as a pair of asyncio's streams."""
    return await asyncio.open_connection(sock=await connect(rules, host, port))


class Arrived:
    """The bytes that have arrived over a connection that a library reads; to be closed."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=socket.dup(descriptor))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, AT_ONCE_BYTES)

    def __call__(self) -> int:
        """So many as yet; 0 where the system does not tell: it does on Linux, of TCP."""
        if sys.platform != "linux" or self._socket.family not in (socket.AF_INET, socket.AF_INET6):
            return 0
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        return 0 if len(info) < _RECEIVED_AT + 8 else int(struct.unpack_from("=Q", info, _RECEIVED_AT)[0])

    def close(self) -> None:
        """Close the socket that they come over."""
        self._socket.close()
