"""How many of the calls that take long one process answers at the same time: each of them holds a thread.

They are made once for an application, so that two in one process do not share them.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from app.api.face.errors import Refused
from app.shares import NoRoom, Shares

EVALUATIONS, EVALUATIONS_EACH = 4, 2
"""Workflows whose expressions are evaluated, each by a process of Node's; of all projects, and of one."""
EVALUATIONS_WANTED, EVALUATIONS_WANTED_EACH = 12, 6
"""Calls that evaluate expressions, or wait until they may; of all projects, and of one."""
CHANGES = 1_000
"""Of different objects: as many as there are threads."""
EXAMINATIONS = 2
"""An examination holds its thread for as long as a silent database does not answer."""
ARRANGEMENTS, ARRANGEMENTS_EACH = 12, 6
"""Calls that wait until a provider calls the triggers of a workflow; of all projects, and of one."""
ARRANGEMENTS_WANTED, ARRANGEMENTS_WANTED_EACH = 16, 9
"""The same with those that wait until they may."""
INSTALLATIONS = 2
"""Calls that wait until a worker has installed a package."""


@contextmanager
def place_of(taken: AbstractContextManager[None], too_many: str, retry_after: int) -> Iterator[None]:
    """Hold a place of `Shares` for as long as this lasts.

    Raises Refused (503) with this sentence when none comes free, and advises to try again after so many seconds.
    """
    with ExitStack() as places:
        try:
            places.enter_context(taken)
        except NoRoom:
            raise Refused(503, too_many, {"Retry-After": str(retry_after)}) from None
        yield


@dataclass(frozen=True, slots=True)
class LongCalls:
    """The places for each kind of call."""

    evaluations: Shares = field(default_factory=lambda: Shares(EVALUATIONS, EVALUATIONS_EACH))
    evaluations_wanted: Shares = field(default_factory=lambda: Shares(EVALUATIONS_WANTED, EVALUATIONS_WANTED_EACH))
    evaluations_of_runs: Shares = field(default_factory=lambda: Shares(EVALUATIONS - 1, EVALUATIONS_EACH))
    """Those of `evaluations` for looking at runs: to activate workflows must stay possible."""
    changes: Shares = field(default_factory=lambda: Shares(CHANGES, 1))
    """Of one object one at a time."""
    examinations: Shares = field(default_factory=lambda: Shares(EXAMINATIONS, EXAMINATIONS))
    arrangements: Shares = field(default_factory=lambda: Shares(ARRANGEMENTS, ARRANGEMENTS_EACH))
    arrangements_wanted: Shares = field(default_factory=lambda: Shares(ARRANGEMENTS_WANTED, ARRANGEMENTS_WANTED_EACH))
    installations: Shares = field(default_factory=lambda: Shares(INSTALLATIONS, INSTALLATIONS))
