"""The folder that a process may write into: how much it holds, and how it is removed, whatever was put into it.

Its writer may be hostile: folders may lie deeper in each other than a path can say, or let nobody in, and what is
removed while it is open takes its place on the disk still.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 512
"""Bytes of what the system calls a block, whatever those of a disk are."""
MAX_AGE_UNLOCKED = 60.0
"""Whoever makes a root has locked it within so many seconds."""
MAX_DEPTH = 50
"""So many folders in each other are held open at once while they are removed."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folder of one process, which may hold `max_bytes` in `max_files` files and folders."""

    path: Path
    max_bytes: int
    max_files: int

    def is_too_full(self, pid: int) -> bool:
        """Whether it holds more than it may, with what the process has open and has removed. Ends its look there."""
        size = 0
        for count, about in enumerate(self._stat_all(pid), start=1):
            size += 0 if about is None else about.st_blocks * BLOCK
            if about is None or size > self.max_bytes or count > self.max_files:
                return True
        return False

    def remove(self) -> None:
        """Remove it with all that it holds."""
        remove(self.path)

    def words(self) -> str:
        """What is said of one that holds too much."""
        return f"More than {self.max_bytes // 2**20} MiB, or {self.max_files:,} files, of temporary files were kept"

    def _stat_all(self, pid: int) -> Iterator[os.stat_result | None]:
        """What is known of each file and folder; None for a folder that hides what it holds."""
        folders = [str(self.path)]
        while folders:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        with contextlib.suppress(FileNotFoundError):
                            yield entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
            except FileNotFoundError:
                continue
            except OSError:
                yield None
        yield from _unlinked_files(pid)


def _unlinked_files(pid: int) -> Iterator[os.stat_result]:
    """The files that the process has open and that have no name any more, where the system tells."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        try:
            about = os.stat(f"{folder}/{name}")
        except OSError:
            continue
        if stat.S_ISREG(about.st_mode) and about.st_nlink == 0:
            yield about


def remove(folder: Path) -> None:
    """Remove a folder that nobody writes into any more; what cannot be removed stays."""
    with contextlib.suppress(OSError), _open_folder(folder) as root:
        moved = itertools.count()
        while before := os.listdir(root):
            _remove_contents(root, root, 0, moved)
            if os.listdir(root) == before:
                return
        os.rmdir(folder)


def _remove_contents(root: int, folder: int, depth: int, moved: Iterator[int]) -> None:
    """Remove what lies in an open folder; what lies too deep in it comes to lie in `root`, for the next time."""
    for entry in list(os.scandir(folder)):
        with contextlib.suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=folder)
                continue
            # A folder holds where it lies: also to be moved it must be one that may be written.
            os.chmod(entry.name, 0o700, dir_fd=folder)
            if depth == MAX_DEPTH:
                os.rename(entry.name, f"moved {next(moved)}", src_dir_fd=folder, dst_dir_fd=root)
                continue
            with _open_folder(entry.name, folder) as inner:
                _remove_contents(root, inner, depth + 1, moved)
            os.rmdir(entry.name, dir_fd=folder)


@contextlib.contextmanager
def _open_folder(folder: Path | str, within: int | None = None) -> Iterator[int]:
    opened = os.open(folder, _FOLDER, dir_fd=within)
    try:
        yield opened
    finally:
        os.close(opened)


class ScratchRoot:
    """A folder below which processes get theirs, as long as it is held."""

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        # Its owner may be another user than the processes, which only find their way through it.
        self.path.chmod(0o711)
        self._lock = os.open(self.path, _FOLDER)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it with all that it holds."""
        remove(self.path)
        os.close(self._lock)


def remove_left(prefix: str) -> None:
    """Remove the roots of this user that programs have left which were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError), _open_folder(folder) as held:
            about = os.fstat(held)
            if about.st_uid == os.geteuid() and time.time() - about.st_ctime > MAX_AGE_UNLOCKED:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
