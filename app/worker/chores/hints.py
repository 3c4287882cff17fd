"""Follows the hints of PostgreSQL: something is to be done, or what runs here was stopped. Polling is the guarantee."""

from collections.abc import Callable

from app.repository.notifications import listen
from app.worker.chores.chore import Chore


def hints(database_url: str, *, wake: Callable[[], None], abort: Callable[[int], None]) -> Chore:
    """One worker's ear, on a connection of its own; `abort` is called with the id of an execution."""

    async def step() -> float:
        async for hint in listen(database_url):
            if hint.stopped is None:
                wake()
            else:
                abort(hint.stopped)
        return 0.0

    return Chore("hints", step)
