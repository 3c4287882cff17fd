"""`make soak`: minutes of faults and of a hostile neighbour, and a reckoning.

SECONDS= says how long, SEED= repeats what was chosen. The neighbour takes a quarter of the time, before the first
fault: while PostgreSQL is down nobody can start or stop anything in time.
"""

import os
import sys
import time

from tests.soak.neighbours.run import neighbours
from tests.soak.run import soak

NEIGHBOURS = 0.25
"""Share of the time."""


def main() -> None:
    seconds = float(os.environ.get("SOAK_SECONDS") or 300)
    seed = int(os.environ.get("SOAK_SEED") or time.time_ns() % 1_000_000)
    first = tuple(name for name in os.environ.get("SOAK_FIRST", "").split(",") if name)
    beside, hurt = seconds * NEIGHBOURS, seconds * (1 - NEIGHBOURS)
    print(f"{beside:.0f} s beside a hostile neighbour with SEED={seed}", flush=True)
    outcomes = [neighbours(beside, seed)]
    outcomes[0].print()
    print(f"{hurt:.0f} s of faults with SEED={seed}", flush=True)
    outcomes.append(soak(hurt, seed, first=first))
    outcomes[1].print()
    violations = sum(len(outcome.violations) for outcome in outcomes)
    misses = sum(len(outcome.misses) for outcome in outcomes)
    if violations or misses:
        sys.exit(f"{violations} violations, {misses} too late; SEED={seed} chooses the same faults again")


if __name__ == "__main__":
    main()
