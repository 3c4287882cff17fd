"""Connections for protocols that are not HTTP, to addresses that the rules allow."""

import asyncio
import socket

from app.outgoing.addresses import AddressRules


async def connect(rules: AddressRules, host: str, port: int, *, seconds: float) -> socket.socket:
    """A connected socket that does not block. Raises AddressRefused, UnknownHost, OSError."""
    loop = asyncio.get_running_loop()
    last: Exception = OSError(f"No address for {host}")
    for address in await rules.resolve(host, port):
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            async with asyncio.timeout(seconds):
                await loop.sock_connect(made, (address, port))
            return made
        except (OSError, TimeoutError) as error:
            made.close()
            last = error
        except asyncio.CancelledError:
            made.close()
            raise
    raise OSError(str(last) or "The connection timed out") from last
