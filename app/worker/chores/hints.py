"""Follows the hints of PostgreSQL: something is to be done, what runs here was stopped, packages have changed, a
credential is to be tested.

Polling is the guarantee.
"""

from collections.abc import Callable

from app.repository.notifications import listen
from app.worker.chores.chore import Chore


def hints(
    database_url: str,
    *,
    wake: Callable[[], None],
    abort: Callable[[int], None],
    packages: Callable[[], None],
    tests: Callable[[], None],
) -> Chore:
    """One worker's ear, on a connection of its own; `abort` is called with the id of an execution."""

    async def step() -> float:
        async for hint in listen(database_url):
            if hint.packages:
                packages()
            elif hint.tests:
                tests()
            elif hint.stopped is None:
                wake()
            else:
                abort(hint.stopped)
        return 0.0

    return Chore("hints", step)
