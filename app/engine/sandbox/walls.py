"""The walls that the operating system puts around a sandbox process, before its program begins."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import sys

from app.engine.sandbox import seccomp

_PR_SET_PDEATHSIG = 1
# Beyond its heap a process needs room for stacks, compiled code and buffers.
_ROOM_MB = 768
_MOST_FILES = 64
_NOBODY = 65534

_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


def drops_root() -> bool:
    """Whether processes run as `nobody`: the worker is root, and a program that nobody may read can be started."""
    return _prctl is not None and os.geteuid() == 0 and os.path.isdir("/proc/self/fd")


def confine(parent: int, memory_mb: int) -> None:
    """Runs in the child before the program, which then has few rights, and none that it can get back.

    It dies with its parent, even in an endless loop; writes no file and no core, opens few; is not root; makes no
    connection and no process, and sends no signal.
    """
    limit = (memory_mb + _ROOM_MB) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    if _prctl is None:
        return
    if drops_root():
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
