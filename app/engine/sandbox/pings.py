"""Whether a sandbox process in which nothing should run is still there: it is asked now and then."""

from __future__ import annotations

PING_SECONDS = 0.5
"""How often it is asked."""
SILENT_SECONDS = 1.2
"""How long it may be silent after that."""


class Pings:
    """The question that is open, if one is. All times are the loop's."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    def answered(self) -> None:
        """It is there; or it is another one, or busy, and nothing has been asked of it."""
        self._asked_at = None

    @property
    def due(self) -> bool:
        """Whether no question is open."""
        return self._asked_at is None

    def asked(self, now: float) -> None:
        """The question has been sent."""
        self._asked_at = now

    def is_overdue(self, now: float) -> bool:
        """Whether the answer should have come by now."""
        return self._asked_at is not None and now - self._asked_at > SILENT_SECONDS

    def next_look(self, now: float) -> float:
        """The seconds after which to ask, or to see whether it has answered."""
        return PING_SECONDS if self._asked_at is None else max(0.05, self._asked_at + SILENT_SECONDS - now + 0.01)
