"""How late the machine is: a process that asks for nothing but its turn, and what it says of any span of time.

`python -m tests.soak.neighbours.lateness` prints a line whenever a plain asyncio timer has rung: when it should have,
and by how much it was late, in seconds.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

PAUSE_SECONDS = 0.02


async def probe() -> None:
    """Print until killed."""
    while True:
        began, due = time.time(), time.monotonic() + PAUSE_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)
        print(f"{began + PAUSE_SECONDS:.3f} {max(0.0, time.monotonic() - due):.3f}", flush=True)


class Lateness:
    """What a probe has written down."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rings = [(float(due), float(late)) for due, late in (line.split() for line in lines)]

    @classmethod
    def read(cls, path: Path) -> "Lateness":
        text = path.read_text()
        return cls(text[: text.rfind("\n") + 1].splitlines())

    @property
    def greatest(self) -> float:
        """Seconds by which the latest of all was late."""
        return max((late for _, late in self._rings), default=0.0)

    def between(self, begin: datetime, end: datetime) -> float:
        """Seconds by which the latest timer was late of those that were due, or still late, in this span of time."""
        first, last = begin.timestamp() - PAUSE_SECONDS, end.timestamp()
        return max((late for due, late in self._rings if due + late >= first and due <= last), default=0.0)


if __name__ == "__main__":
    asyncio.run(probe())
