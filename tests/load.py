"""`make check-load`: the whole suite three times in a row on two processors, beside four programs that never rest.

What passes here counts on no speed of the machine. ARGS= goes to pytest, ROUNDS= says how many times.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.processes import dies_with_parent
from tests.live import PROJECT

PROCESSORS = 2
BUSY_LOOPS = 4
ROUNDS = 3


@contextmanager
def busy_loops(number: int) -> Iterator[None]:
    """So many processes that want a processor each, all the time; they end with this one, however it ends."""
    command = [*dies_with_parent(), sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def main(arguments: Sequence[str]) -> None:
    rounds = int(os.environ.get("ROUNDS") or ROUNDS)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(PROCESSORS + 2), "--dist", "worksteal", *arguments]
    failed = 0
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}, beside {BUSY_LOOPS} busy loops", flush=True)
        began = time.monotonic()
        with busy_loops(BUSY_LOOPS):
            code = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode
        failed += code != 0
        how = f"failed ({code})" if code else "passed"
        print(f"round {number} {how} after {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        sys.exit(f"{failed} of {rounds} rounds failed")


if __name__ == "__main__":
    main(sys.argv[1:])
