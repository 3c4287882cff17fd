"""What wakes a worker's exchange with PostgreSQL, and whether there is reason to look at the queue."""

import asyncio


class Wake:
    """Set where something is to do: something may be queued or due, or something has ended.

    What only hands in a result need not look at the queue once more: since the last look, which found less than there
    was room for, nobody has said that anything has come.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.queue_changed = True

    def set(self) -> None:
        """Something may be queued or due, or there is more room than before."""
        self.queue_changed = True
        self._event.set()

    def hand_in(self) -> None:
        """There is a result."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait until one of both, or for so long: a hint may have been lost, so the queue is looked at then."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            self.queue_changed = True
        self._event.clear()
