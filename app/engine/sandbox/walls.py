"""The walls that the operating system puts around a sandbox process, before its program begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
# Beyond its heap a process needs room for stacks, compiled code and buffers.
_ROOM_MB = 768


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may have. `memory_mb` bounds its JavaScript heap; it writes no file larger than `largest_file`.

    `keeps_user`: it stays who the worker is, because `nobody` could not read what it needs.
    """

    memory_mb: int
    largest_file: int = 0
    most_files: int = 64
    keeps_user: bool = False


def drops_root(limits: Limits) -> bool:
    """Whether processes run as `nobody`: the worker is root, and a program that nobody may read can be started."""
    if limits.keeps_user or sys.platform != "linux":
        return False
    return os.geteuid() == 0 and os.path.isdir("/proc/self/fd")


def behind_walls(command: Sequence[str], limits: Limits) -> list[str]:
    """The command that becomes `command`, whose program is a path, within `limits`; it ends with this process."""
    data = (limits.memory_mb + _ROOM_MB) * 1024 * 1024
    walls = (os.getpid(), data, limits.largest_file, limits.most_files, int(drops_root(limits)))
    return [sys.executable, "-I", "-S", _LAUNCHER, *map(str, walls), *command]


def environment() -> dict[str, str]:
    """All that the launcher gets of this process's environment: where Python's own libraries lie, if that is set."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
