"""The walls that the operating system puts around a sandbox process, before its program begins."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import sys
from dataclasses import dataclass

from app.engine.sandbox import seccomp

_PR_SET_PDEATHSIG = 1
# Beyond its heap a process needs room for stacks, compiled code and buffers.
_ROOM_MB = 768
_NOBODY = 65534

_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


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
    if limits.keeps_user:
        return False
    return _prctl is not None and os.geteuid() == 0 and os.path.isdir("/proc/self/fd")


def confine(parent: int, limits: Limits) -> None:
    """Runs in the child before the program, which then has few rights, and none that it can get back.

    It dies with its parent, even in an endless loop; writes no core, and files only as large as it may; opens few; is
    not root; makes no connection and no process, and sends no signal.
    """
    limit = (limits.memory_mb + _ROOM_MB) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.largest_file, limits.largest_file))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.most_files, limits.most_files))
    if _prctl is None:
        return
    if drops_root(limits):
        with contextlib.suppress(OSError):  # a container may keep even root from changing who it is
            _become_nobody()
    # Only now: a change of the user would take it off.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    seccomp.apply(_prctl)


def _become_nobody() -> None:
    try:
        entry = pwd.getpwnam("nobody")
        user, group = entry.pw_uid, entry.pw_gid
    except KeyError:
        user = group = _NOBODY
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
