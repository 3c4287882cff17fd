"""Restricts its own process by means of the operating system (the walls), and then executes the sandbox's program.

Started as `python -I -S launcher.py WALLS PROGRAM ARGUMENT...`, see `walls.behind_walls`; it imports nothing of ours,
and little of Python's: that is loaded anew for each process of the sandbox.
A worker has threads. In a copy of it, which a fork is, nothing of Python may run: a lock that another thread held at
that moment is held there for ever, and the worker would wait for the copy. So this is a process of its own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import resource
import struct
import sys

_NOBODY = 65534
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data
_X32 = 0x40000000
_CLONE_THREAD = 0x10000

# By machine: what the kernel calls it, and the numbers of the calls.
_MACHINES = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "clone3": 435, "tgkill": 234},
        # socket, connect, accept, bind, listen, accept4; fork, vfork; kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo
        [41, 42, 43, 49, 50, 288, 57, 58, 62, 200, 129, 297],
        # ptrace, process_vm_readv, process_vm_writev, kcmp; mount, umount2, pivot_root, chroot, unshare, setns
        [101, 310, 311, 312, 165, 166, 155, 161, 272, 308],
        # add_key, request_key, keyctl; bpf, perf_event_open, userfaultfd; init_module, finit_module, kexec_load, reboot
        [248, 249, 250, 321, 298, 323, 175, 313, 246, 169],
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "clone3": 435, "tgkill": 131},
        [198, 203, 202, 200, 201, 242, 129, 130, 138, 240],
        [117, 270, 271, 272, 40, 39, 41, 51, 97, 268],
        [217, 218, 219, 280, 241, 282, 105, 273, 104, 142],
    ),
}
# The same everywhere: pidfd_send_signal; io_uring_setup, io_uring_enter, io_uring_register; open_tree, move_mount,
# fsopen; pidfd_open, pidfd_getfd
_NEWER = [424, 425, 426, 427, 428, 429, 430, 434, 438]


def main(walls: list[int], command: list[str]) -> None:
    """Become `command`, which then has few rights, and none that it can get back.

    It dies with its parent, even in an endless loop; writes no core, and files only as large as it may; opens few; is
    not root; makes no connection and no process, and sends no signal.
    `walls`: the id of its parent; the most bytes that it may hold, and write into a file; the most open files; whether
    it becomes `nobody`.
    """
    parent, data, largest_file, most_files, becomes_nobody = walls
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        if becomes_nobody:
            _become_nobody()
        # Only now: a change of the user would take it off.
        prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != parent:
            return
        _refuse_calls(prctl)
    # What found this Python's libraries is not for the program, nor is what Python makes of an empty environment.
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "LC_CTYPE")}
    os.execve(command[0], command, environment)


def _become_nobody() -> None:
    try:
        entry = pwd.getpwnam("nobody")
        user, group = entry.pw_uid, entry.pw_gid
    except (KeyError, OSError):
        user = group = _NOBODY
    try:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    except OSError:
        return  # a container may keep even root from changing who it is


def _refuse_calls(prctl: ctypes._NamedFuncPointer) -> None:
    """Put this process under the filter of system calls, for good. Where the kernel cannot, it stays without."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    lines = _filter(os.uname().machine, os.getpid())
    if lines is not None:
        buffer = ctypes.create_string_buffer(lines, len(lines))
        given = _Program(len(lines) // 8, ctypes.cast(buffer, ctypes.c_void_p))
        prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0)


def _filter(machine: str, pid: int) -> bytes | None:
    """The filter for a process of that id, as instructions of the kernel; None for a machine that is not known.

    Refused calls fail with EPERM. New threads are allowed, new processes are not; clone3 tells too little and counts as
    missing, so that threads are made with clone. Signals go to the process itself only.
    """
    if machine not in _MACHINES:
        return None
    arch, named, *refused = _MACHINES[machine]
    numbers = [number for group in refused for number in group] + _NEWER
    lines = [_line(_LOAD, _ARCH), _line(_EQUAL, arch, 1, 0), _line(_RETURN, _KILL), _line(_LOAD, _NUMBER)]
    lines += [_line(_AT_LEAST, _X32, 0, 1), _line(_RETURN, _REFUSE | errno.EPERM)]
    lines += [_line(_EQUAL, named["clone3"], 0, 1), _line(_RETURN, _REFUSE | errno.ENOSYS)]
    for number in numbers:
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, _REFUSE | errno.EPERM)]
    lines += [_line(_EQUAL, named["clone"], 0, 4), _line(_LOAD, _FIRST_ARGUMENT), _line(_ANY_BIT, _CLONE_THREAD, 1, 0)]
    lines += [_line(_RETURN, _REFUSE | errno.EPERM), _line(_RETURN, _ALLOW)]
    lines += [_line(_EQUAL, named["tgkill"], 0, 3), _line(_LOAD, _FIRST_ARGUMENT), _line(_EQUAL, pid, 1, 0)]
    lines += [_line(_RETURN, _REFUSE | errno.EPERM), _line(_RETURN, _ALLOW)]
    return b"".join(lines)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))


if __name__ == "__main__":
    try:
        main([int(each) for each in sys.argv[1:6]], sys.argv[6:])
    except OSError as error:
        sys.exit(f"{sys.argv[6]} could not be started: {error}")
