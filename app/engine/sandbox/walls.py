"""The walls that the operating system puts around a sandbox process, before its program begins."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
# Beyond its heap a process needs room for stacks, compiled code and buffers.
_ROOM_MB = 768

_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


def confine(parent: int, memory_mb: int) -> None:
    """Runs in the child before the program: it dies with its parent, even in an endless loop, and dumps no core."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = (memory_mb + _ROOM_MB) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
