"""How late the machine is: a process that asks for little, and what it says of any span of time.

`python -m tests.soak.neighbours.lateness` sleeps for a moment, computes for a moment, and prints a line: when it began,
by how many seconds its timer was late, and how many times as long as its computing took the clock went on. A machine
whose processors are shared with others rings a timer in time and is slow all the same.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from statistics import fmean

PAUSE_SECONDS = 0.1
COMPUTED_SECONDS = 0.01
"""Of its own processor time: a tenth of what one processor gives."""


async def probe() -> None:
    """Print until killed."""
    while True:
        began, due = time.time(), time.monotonic() + PAUSE_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)
        late = max(0.0, time.monotonic() - due)
        print(f"{began + PAUSE_SECONDS:.3f} {late:.3f} {slowness():.2f}", flush=True)


def slowness() -> float:
    """How many times as long as it takes by itself a little computing takes now."""
    began, used = time.monotonic(), time.thread_time()
    while (computed := time.thread_time() - used) < COMPUTED_SECONDS:
        pass
    return (time.monotonic() - began) / computed


class Lateness:
    """What a probe has written down."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rings = [tuple(map(float, line.split())) for line in lines]

    @classmethod
    def read(cls, path: Path) -> "Lateness":
        text = path.read_text()
        return cls(text[: text.rfind("\n") + 1].splitlines())

    @property
    def greatest(self) -> float:
        """Seconds by which the latest of all was late."""
        return max((late for _, late, _ in self._rings), default=0.0)

    @property
    def slowness(self) -> float:
        """How many times as long as by itself computing has taken, on average."""
        return fmean([slow for _, _, slow in self._rings] or [1.0])

    def between(self, begin: datetime, end: datetime) -> tuple[float, float]:
        """Seconds by which the latest timer was late of those that were due, or still late, in this span of time; and
        how many times as long as by itself computing took, on average."""
        first, last = begin.timestamp() - PAUSE_SECONDS, end.timestamp()
        rings = [(late, slow) for due, late, slow in self._rings if due + late >= first and due <= last]
        return max((late for late, _ in rings), default=0.0), fmean([slow for _, slow in rings] or [1.0])


if __name__ == "__main__":
    asyncio.run(probe())
