"""What was large and is free is no longer this process's."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from app.allocator import return_large_blocks
if sys.argv[1] == "returned":
    return_large_blocks()
block = b"x" * (20 * 2**20)  # written, so that it is no page of zeros
del block  # the GNU C library takes blocks of this size from its heap from now on
large, small = [], []
for _ in range(10):
    large.append(b"x" * (8 * 2**20))
    small.append(b"x" * 100_000)
large.clear()
print(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is the GNU C library's")
def test_large_blocks_go_back_whatever_small_ones_stay() -> None:
    command = [sys.executable, "-c", PROGRAM]
    kept, returned = (
        int(subprocess.run([*command, which], capture_output=True, check=True, text=True).stdout)
        for which in ("kept", "returned")
    )
    assert returned < 40
    assert kept > 70, "the C library does this by itself"
