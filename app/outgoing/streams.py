"""Connections that carry any protocol, to checked addresses only."""

import asyncio

from app.outgoing.addresses import AddressRules

CONNECT_SECONDS = 30.0


async def open_stream(rules: AddressRules, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address of the host that takes it.

    Raises AddressRefused, UnknownHost, and OSError (of which TimeoutError is one) where nobody answers.
    """
    last: OSError | None = None
    for address in await rules.resolve(host, port):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(address, port)
        except OSError as error:
            last = error
    raise last or OSError(f"No address for {host}")
