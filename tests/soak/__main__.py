"""`make soak`: five minutes of faults, and a reckoning. SECONDS= says how long, SEED= repeats what was chosen."""

import os
import sys
import time

from tests.soak.run import soak


def main() -> None:
    seconds = float(os.environ.get("SOAK_SECONDS") or 300)
    seed = int(os.environ.get("SOAK_SEED") or time.time_ns() % 1_000_000)
    print(f"{seconds:.0f} s with SEED={seed}", flush=True)
    first = tuple(name for name in os.environ.get("SOAK_FIRST", "").split(",") if name)
    outcome = soak(seconds, seed, first=first)
    outcome.print()
    if outcome.violations:
        sys.exit(f"{len(outcome.violations)} violations; SEED={seed} chooses the same faults again")


if __name__ == "__main__":
    main()
