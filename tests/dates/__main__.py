"""`make check-dates`: the tests at each moment of tests/dates/moments.py. ARGS= names moments: ARGS="leap-day 2031"."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests import clocks
from tests.dates.moments import MOMENTS
from tests.dates.run import CANNOT, run_tests


def main(names: Sequence[str]) -> None:
    unknown = set(names) - set(MOMENTS)
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))}: not among {', '.join(MOMENTS)}")
    if clocks.library() is None:
        sys.exit("libfaketime cannot be loaded here")
    moments = {name: MOMENTS[name] for name in names or MOMENTS}
    print(f"{len(moments)} moments; each line tells of one as it ends", flush=True)
    for test, why in CANNOT.items():
        print(f"left out under a shifted clock: {test}: {why}")
    failed = []
    with ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 2) as several:
        running = {several.submit(run_tests, moment): name for name, moment in moments.items()}
        for future in as_completed(running):
            name, ended = running[future], future.result()
            if ended.code:
                failed.append(name)
                print(ended.output)
            print(f"{name:16} {'FAILED' if ended.code else 'passed'}: {ended.counted}", flush=True)
    if failed:
        sys.exit(f"{len(failed)} of {len(moments)} moments failed: {', '.join(failed)}")
    print(f"all {len(moments)} moments passed")


if __name__ == "__main__":
    main(sys.argv[1:])
