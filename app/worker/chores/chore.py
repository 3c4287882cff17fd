"""The one shape of a chore: a step that does what is due and says how long to pause, again and again."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from app.repository.connection import REFUSED, UNREACHABLE

log = logging.getLogger(__name__)

UNREACHABLE_SECONDS = 2.0
REFUSED_SECONDS = 10.0
"""At most so long after PostgreSQL could not be reached a step is tried again."""


@dataclass(frozen=True, slots=True)
class Chore:
    """`step` returns the seconds until its next call; `name` says in the log what is not done for now.

    A `hint` that is set ends the pause; it is cleared before each step, so that what comes meanwhile is not missed.
    A step that cannot reach PostgreSQL is called again later, and so is one for which PostgreSQL refuses a value: it
    would end one worker after the other. Whatever else it raises ends the chore, and the worker.
    """

    name: str
    step: Callable[[], Awaitable[float]]
    hint: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Call the step until cancelled."""
        while True:
            self.hint.clear()
            try:
                pause = await self.step()
            except UNREACHABLE as error:
                log.warning(f"no {self.name} for now", extra={"reason": str(error).strip()})
                pause = random.uniform(0.25, 1.0) * UNREACHABLE_SECONDS
            except REFUSED:
                log.exception(f"no {self.name} for now: PostgreSQL refuses a value")
                pause = vary_pause(REFUSED_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.hint.wait()


def chore_in_steps(name: str, work: Callable[[], Awaitable[bool]], *, look_seconds: float) -> Chore:
    """A chore that may have much to do: `work` does a small part and says whether there is more.

    While there is, it pauses for as long as that part took; else it looks again after about `look_seconds`.
    """

    async def step() -> float:
        began = time.monotonic()
        has_more = await work()
        return time.monotonic() - began if has_more else vary_pause(look_seconds)

    return Chore(name, step)


def vary_pause(seconds: float) -> float:
    """A pause of about so long: workers that started together do not all come at once."""
    return seconds * random.uniform(0.8, 1.2)
