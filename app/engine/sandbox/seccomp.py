"""A filter of system calls for processes that have no business with the network, other processes or the kernel.

Linux on x86-64 and arm64. It needs no rights, cannot be taken off, and what is started below has it, too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

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


def program(machine: str, pid: int) -> bytes | None:
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


MACHINE = platform.machine()


def apply(prctl: ctypes._NamedFuncPointer) -> None:
    """Put this process under the filter, for good. Where the kernel cannot, it stays without."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    lines = program(MACHINE, os.getpid())
    if lines is not None:
        kept = ctypes.create_string_buffer(lines, len(lines))
        given = _Program(len(lines) // 8, ctypes.cast(kept, ctypes.c_void_p))
        prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0)
