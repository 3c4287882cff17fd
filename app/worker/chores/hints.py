"""Follows the hints of PostgreSQL: something is to be done, what runs here was stopped, packages have changed, a
credential is to be tested.

Polling is the guarantee.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.repository.notifications import listen
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
    tests: Callable[[], None]
    """A credential is to be tested."""


def hints(database_url: str, handlers: HintHandlers) -> Chore:
    """One worker's ear, on a connection of its own."""

    async def step() -> float:
        async for hint in listen(database_url):
            if hint.packages:
                handlers.packages()
            elif hint.tests:
                handlers.tests()
            elif hint.stopped is None:
                handlers.wake()
            else:
                handlers.abort(hint.stopped)
        return 0.0

    return Chore("hints", step)
