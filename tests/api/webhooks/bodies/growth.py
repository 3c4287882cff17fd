"""How the work for a body grows with its length."""

import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.api.webhooks.bodies.errors import UnreadableBody

SMALL, FACTOR = 100_000, 8
ATTEMPTS = 3
"""What else the process does only adds to an attempt: the first that stays below the bound shows it."""
PEAK = Path("/proc/self/clear_refs")


def attempt(read: Callable[[bytes], Any], body: bytes) -> float:
    """Time of this thread alone."""
    began = time.thread_time()
    with contextlib.suppress(UnreadableBody):
        read(body)
    return time.thread_time() - began


def grows_with_its_length(read: Callable[[bytes], Any], make: Callable[[int], bytes]) -> bool:
    """Whether eight times the length takes about eight times the time; twenty would be another law."""
    body, longer = make(SMALL), make(SMALL * FACTOR)
    small = min(attempt(read, body) for _ in range(ATTEMPTS))
    most = max(small, 0.002) * 2.5 * FACTOR
    return any(attempt(read, longer) < most for _ in range(ATTEMPTS))


def takes_less_than(factor: int, read: Callable[[bytes], Any], body: bytes) -> bool:
    """Whether reading a body makes this process grow by less than so many times the body's length at any moment.

    What the system has given it counts: encoders reserve several times what they then write, and touch none of it.
    """
    if not PEAK.exists():
        pytest.skip("needs Linux to tell the most memory of a moment")
    return any(_growth(read, body) < factor * len(body) for _ in range(ATTEMPTS))


def _growth(read: Callable[[bytes], Any], body: bytes) -> int:
    gc.collect()
    PEAK.write_text("5")
    before = status("VmRSS")
    attempt(read, body)
    return status("VmHWM") - before


def status(name: str) -> int:
    """A figure of this process in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
