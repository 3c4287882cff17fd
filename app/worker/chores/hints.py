"""Follows the hints of PostgreSQL, one channel each. Polling is the guarantee.

There is work; an execution that runs here was stopped; packages have changed; somebody asks what a package can answer;
a webhook is to be arranged with a provider; a trigger is to look for something new, or to be listened to.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.repository.notifications import (
    HOOKS_CHANNEL,
    NEW_CHANNEL,
    PACKAGES_CHANNEL,
    QUESTIONS_CHANNEL,
    TRIGGERS_CHANNEL,
    listen,
)
from app.worker.chores.chore import Chore


@dataclass(frozen=True, slots=True)
class HintHandlers:
    """What a worker does about each kind of hint."""

    wake: Callable[[], None]
    """There may be something to run."""
    abort: Callable[[int], None]
    """The execution of this id was stopped."""
    packages: Callable[[], None]
    """Node packages have changed."""
    questions: Callable[[], None]
    """Somebody asks what packages can answer."""
    hooks: Callable[[], None]
    """Something is to be arranged with a provider."""
    triggers: Callable[[], None]
    """A trigger is to look, or the triggers that are to be listened for have changed."""


def hints(database_url: str, handlers: HintHandlers) -> Chore:
    """One worker's ear, on a connection of its own."""

    by_channel = {
        NEW_CHANNEL: handlers.wake,
        PACKAGES_CHANNEL: handlers.packages,
        QUESTIONS_CHANNEL: handlers.questions,
        HOOKS_CHANNEL: handlers.hooks,
        TRIGGERS_CHANNEL: handlers.triggers,
    }

    async def step() -> float:
        async for hint in listen(database_url):
            if hint.stopped is not None:
                handlers.abort(hint.stopped)
            else:
                by_channel[hint.channel]()
        return 0.0

    return Chore("hints", step)
