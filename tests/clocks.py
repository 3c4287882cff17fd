"""Clocks that are off, by libfaketime: only what the clock on the wall says is shifted."""

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

VARIABLES = (
    "LD_PRELOAD",
    "FAKETIME",
    "FAKETIME_NO_CACHE",
    "FAKETIME_DONT_FAKE_MONOTONIC",
    "FAKETIME_FORCE_MONOTONIC_FIX",
    "NO_FAKE_STAT",
)


@functools.cache
def library() -> Path | None:
    """What is loaded into a process to shift its clock; None where that does not work."""
    found = find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    if not path.exists():
        return None
    path = _copied(path)
    remove_leftovers()
    program = "import time; print(round(time.time()))"
    environ = os.environ | variables(path, 3600)
    shown = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    works = shown.returncode == 0 and int(shown.stdout) - int(here.stdout) > 3000
    return path if works else None


def _copied(path: Path) -> Path:
    """The library where every user may read it, below no space or colon: LD_PRELOAD takes those for ends of paths."""
    temporary = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(dir="/tmp" if {" ", ":"} & set(temporary) else temporary))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return Path(shutil.copy(path, folder))


def remove_leftovers() -> None:
    """What processes with a shifted clock share and, killed or replaced by another program, have left behind.

    One of another account that gets the same process id later could not start.
    """
    for semaphore in Path("/dev/shm").glob("sem.faketime_sem_*"):
        number = semaphore.name.rpartition("_")[2]
        if not Path("/proc", number).exists():
            with contextlib.suppress(OSError):  # somebody else's, or already gone
                semaphore.unlink()
                semaphore.with_name(f"faketime_shm_{number}").unlink()


def shifted(seconds: float) -> dict[str, str]:
    """The variables of a process whose clock is off by so many seconds; none where it cannot be."""
    path = library()
    return {} if path is None or not seconds else variables(path, seconds)


def variables(path: Path, seconds: float) -> dict[str, str]:
    """The variables of a process whose clock is off, by the library at `path`.

    The process may change FAKETIME later on. How old files are is not shifted: compiled Python goes by that. Waits
    for a condition are left alone: they would end at once, and threads that wait for the interpreter never rest.
    """
    return dict(zip(VARIABLES, (str(path), f"{seconds:+.0f}s", "1", "1", "0", "1"), strict=True))
