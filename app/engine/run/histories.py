"""What Remove Duplicates asks of whoever keeps its history from one execution to the next.

A history belongs to one node or to the whole workflow (its `scope`) and is of one kind: values that were seen, or the
highest number or date among them.
"""

from collections.abc import Collection
from typing import Protocol


class HistoryRefused(Exception):
    """A history cannot take the values; `reason` is `kind`, `full` or `workflow`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class History(Protocol):
    """The histories of one workflow. Each method decides for all executions that run at once, one after the other."""

    async def add_values(self, scope: str, values: Collection[str], *, number: int, room: float | None) -> set[str]:
        """Note the values of `number` items, each of them once; returns those that are new.

        What has not been seen for longest makes way, so that it never holds more than `room`. Raises HistoryRefused:
        `kind` where it holds numbers or dates, `full` where the items alone are more than `room`, `workflow` where the
        workflow is not a stored one.
        """

    async def pass_highest(self, scope: str, kind: str, highest: float) -> float | None:
        """Raise the highest `number` or `date` (milliseconds since 1970); returns what it was, None: nothing yet.

        Raises HistoryRefused: `kind`, `workflow`.
        """

    async def clear(self, scope: str) -> None:
        """Forget what was seen."""
