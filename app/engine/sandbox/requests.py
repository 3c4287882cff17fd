"""A request to a sandbox process, and when it has had its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

# A request that ran in this many processes that died for no known reason is given up.
MAX_ATTEMPTS = 3


Ask = Callable[[bytes], Awaitable[bytes]]
"""Answers what a program asks of the world outside while it runs; both are JSON. What it raises ends the program."""


class Moved(Exception):
    """The process is another project's now; the request has not run and is to be sent anew."""


@dataclass(eq=False, slots=True)
class Request:
    """A request in flight; `deadline` is set from when it is sent, on the loop's clock."""

    id: int
    payload: bytes
    limit: float
    future: asyncio.Future[bytes]
    deadline: float | None = None
    entered: bool = False
    """Whether its JavaScript has begun in the process that has it now."""
    alone: bool = False
    """Whether the process that has it has been asked nothing else."""
    ran_out: bool = False
    """Whether a process has died of too little memory while it ran."""
    abandoned: bool = False
    attempts: int = 1
    ask: Ask | None = None
    questions: set[asyncio.Task[None]] = field(default_factory=set)
    """What it waits for now."""

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def time_is_up(self) -> str:
        return f"The JavaScript did not finish within {self.limit:g} seconds"
