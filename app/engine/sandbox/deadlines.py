"""Which requests of one process have missed their deadline. Ends nothing itself.

A request has its time from when its JavaScript begins. What has answered, or is no longer wanted, may still run for
GRACE_SECONDS, so that it does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.engine.sandbox.requests import SandboxRequest

GRACE_SECONDS = 0.25
"""How long an abandoned or finished request may still run before its process is killed."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What a look has found.

    `killing`: the id of the request that runs and only ends with its process. `dropped`: those that are not running.
    `next_look`: in how many seconds to look again, None where nothing has a deadline.
    """

    killing: int | None = None
    dropped: list[SandboxRequest] = field(default_factory=list)
    next_look: float | None = None


class Deadlines:
    """The deadlines of the requests of one process. `serial`: it takes one request after the other."""

    def __init__(self, serial: bool) -> None:
        self._serial = serial
        self._over_at = 0.0

    def begin(self, request: SandboxRequest) -> float:
        """The request has its time from now on; in how many seconds that is over."""
        limit = GRACE_SECONDS if request.abandoned else request.limit
        request.deadline = asyncio.get_running_loop().time() + limit
        return limit

    def end_soon(self) -> float:
        """What runs now is no longer wanted; in how many seconds it must have ended."""
        self._over_at = asyncio.get_running_loop().time() + GRACE_SECONDS
        return GRACE_SECONDS

    def move(self, requests: Collection[SandboxRequest], seconds: float) -> None:
        """The loop was held, or this whole program was frozen: that time is nobody's."""
        self._over_at += seconds
        for request in requests:
            if request.deadline is not None:
                request.deadline += seconds

    def look(self, now: float, requests: Mapping[int, SandboxRequest], running: int | None) -> Overdue:
        """What is over its time among `requests`, while the JavaScript of `running` runs, which may be none of them."""
        following: list[float] = []
        dropped: list[SandboxRequest] = []
        if running is not None and running not in requests:
            if now >= self._over_at:
                return Overdue(killing=running)
            following.append(self._over_at - now)
        for request in requests.values():
            if request.deadline is None:
                continue
            if now < request.deadline:
                following.append(request.deadline - now)
            elif self._serial or running == request.id:
                return Overdue(killing=request.id)
            elif running is None:
                dropped.append(request)
            else:
                # Another one runs; its own deadline comes, and then it is this one's turn.
                following.append(GRACE_SECONDS)
        return Overdue(dropped=dropped, next_look=min(following, default=None))
