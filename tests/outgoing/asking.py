"""One request of the outgoing client."""

import asyncio
from typing import Any

from app.outgoing.addresses import AddressRules
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing


def ask(url: str, allowed: str = "", *, largest: int = 10_000_000, **call: Any) -> Answer:
    async def once() -> Answer:
        async with Outgoing(AddressRules.parse(allowed), largest_response=largest) as outgoing:
            return await outgoing.send(Call("GET", url, **call))

    return asyncio.run(once())
