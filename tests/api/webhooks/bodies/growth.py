"""How the work for a body grows with its length."""

import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.api.webhooks.bodies.errors import Unreadable

SMALL, FACTOR = 100_000, 8
PEAK = Path("/proc/self/clear_refs")


def cpu_seconds(read: Callable[[bytes], Any], body: bytes) -> float:
    """The shortest of some attempts, in time of this process alone."""
    return min(attempt(read, body) for _ in range(3))


def attempt(read: Callable[[bytes], Any], body: bytes) -> float:
    began = time.thread_time()
    with contextlib.suppress(Unreadable):
        read(body)
    return time.thread_time() - began


def grows_with_its_length(read: Callable[[bytes], Any], make: Callable[[int], bytes]) -> bool:
    """Whether eight times the length takes about eight times the time; twenty would be another law."""
    small, large = cpu_seconds(read, make(SMALL)), cpu_seconds(read, make(SMALL * FACTOR))
    return large < max(small, 0.002) * 2.5 * FACTOR


def memory_factor(read: Callable[[bytes], Any], body: bytes) -> float:
    """How much this process grew at most while it read a body, by the body's length.

    What the system has given it counts: encoders reserve several times what they then write, and touch none of it.
    """
    if not PEAK.exists():
        pytest.skip("needs Linux to tell the most memory of a moment")
    return min(_growth(read, body) for _ in range(3)) / len(body)


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
