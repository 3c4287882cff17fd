"""Clocks of hosts that are minutes apart, by libfaketime: only what the clock on the wall says is shifted."""

import functools
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


@functools.cache
def library() -> Path | None:
    """What is loaded into a process to shift its clock; None where that does not work."""
    found = find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    program = "import time; print(round(time.time()))"
    environ = os.environ | _variables(path, 3600)
    shown = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    works = shown.returncode == 0 and int(shown.stdout) - int(here.stdout) > 3000
    return path if works else None


def shifted(seconds: float) -> dict[str, str]:
    """The variables of a process whose clock is off by so many seconds; none where it cannot be."""
    path = library()
    return {} if path is None or not seconds else _variables(path, seconds)


def _variables(path: Path, seconds: float) -> dict[str, str]:
    return {"LD_PRELOAD": str(path), "FAKETIME": f"{seconds:+.0f}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
