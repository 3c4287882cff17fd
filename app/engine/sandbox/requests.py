"""A request to a process, when it has had its time, and what it asks of the world outside meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.engine.sandbox.errors import SandboxError
from app.engine.sandbox.silence import LOOK_SECONDS, LOOKS

# A request that ran in this many processes that died for no known reason is given up.
MAX_ATTEMPTS = 3

MAX_QUESTIONS = 10_000
"""Of one request, not yet answered; the programs of this package wait long before."""


Ask = Callable[[bytes], Awaitable[bytes]]
"""Answers what a program asks of the world outside while it runs; both are JSON. What it raises ends the program."""


class Channel(Protocol):
    """What a request has of its own beside its answer: frames that its process sends, and gets, at any time."""

    @property
    def touched(self) -> bool:
        """Whether it has changed something outside, so that it must not run a second time."""

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The request goes to a process now, whose frames come; `send` takes those for it."""

    def received(self, payload: bytes) -> None:
        """The process has sent a frame."""

    def detach(self) -> None:
        """The process, or the request, is at its end: whatever was opened for it is closed."""


@dataclass(frozen=True, slots=True)
class ProcessTraits:
    """How the processes of a kind work.

    `serial`: one request after the other. `marks`: a process leaves a mark of which request it works for; a frame says
    only that one has begun. `once`: the request that ran when a process ended is not sent again, since it would end the
    next one too, and may have changed something outside. One that says nothing for `silent_seconds`, while nothing
    should run in it, is ended.
    """

    serial: bool = False
    marks: bool = False
    once: bool = False
    silent_seconds: float = LOOKS * LOOK_SECONDS
    held_seconds: float = 0.5
    """A process whose JavaScript has run for this long without a pause is held."""


class Moved(Exception):
    """The process is another project's or another request's now; this one has not run and is to be sent anew."""


@dataclass(eq=False, slots=True)
class SandboxRequest:
    """A request in flight; `deadline` is set from when it is sent, on the loop's clock."""

    id: int
    payload: bytes
    limit: float
    future: asyncio.Future[bytes]
    urgent: bool = False
    """It has somewhere else to go where all processes of its owner are held."""
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
    channel: Channel | None = None

    @property
    def touched(self) -> bool:
        """Whether it must not run a second time."""
        return self.channel is not None and self.channel.touched

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Let its channel, if it has one, send frames to the process that runs it."""
        if self.channel is not None:
            self.channel.attach(send)

    def detach(self) -> None:
        """It is no longer in a process: what it has asked, and all that was opened for it, is over."""
        for question in self.questions:
            question.cancel()
        if self.channel is not None:
            self.channel.detach()

    def take_question(self, question: bytes, reply: Callable[[bytes], None], refuse: Callable[[], None]) -> None:
        """Answer what it asks; what answering raises is its error, and `refuse` is called."""
        if self.ask is None:
            return
        if len(self.questions) >= MAX_QUESTIONS:
            self.fail(SandboxError(f"The JavaScript asked for more than {MAX_QUESTIONS:,} things at once"))
            refuse()
            return
        task = asyncio.create_task(self._answer(self.ask, question, reply, refuse))
        self.questions.add(task)
        task.add_done_callback(self.questions.discard)

    async def _answer(
        self, ask: Ask, question: bytes, reply: Callable[[bytes], None], refuse: Callable[[], None]
    ) -> None:
        try:
            answer = await ask(question)
        except Exception as error:
            self.fail(error)
            refuse()
            return
        reply(answer)

    def fail(self, error: Exception) -> None:
        """Raise `error` for whoever waits; nothing when the request has ended already."""
        if not self.future.done():
            self.future.set_exception(error)

    def time_is_up(self) -> str:
        """The sentence for a run that took longer than `limit` seconds."""
        return f"The JavaScript did not finish within {self.limit:g} seconds"
