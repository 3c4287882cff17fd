"""Connections that carry any protocol, to addresses that the rules allow."""

import asyncio
import socket

from app.outgoing.addresses import AddressRules

CONNECT_SECONDS = 30.0


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
