"""Reads files that an operator names, which may be anything: a pipe or a device has no end."""

import errno
import stat
from pathlib import Path

MAX_BYTES = 512 * 2**20


def require_regular(path: Path) -> None:
    """Raise OSError for what is no file of a certain length; a folder is for whoever opens it."""
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise OSError(errno.EINVAL, "This is no file but a pipe, a socket or a device", str(path))


def read_whole(path: Path) -> bytes:
    """All that is in a file. Raises OSError, also for one that is too large."""
    require_regular(path)
    if path.stat().st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, f"This has more than {MAX_BYTES // 2**20} MiB: export to several files", str(path))
    return path.read_bytes()
