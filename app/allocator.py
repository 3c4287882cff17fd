"""Lets the C library give large blocks of memory back to the system as soon as they are free."""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As <malloc.h> of the GNU C library numbers them."""
LARGE = 2**20
"""From so many bytes on, a block has pages of its own, which go back when it is freed."""
KEPT = 2**23
"""Bytes at the end of a heap that are kept for what comes next."""


def return_large_blocks() -> None:
    """Do so from now on in this process and in those that it forks; nothing where the C library is another one.

    By itself, the GNU C library takes blocks of up to 32 MiB from its heaps once one of that size was freed. A small
    block that outlives such a one keeps all before it: a worker that had held ten large texts, one after the other,
    kept most of their memory for good.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        library.mallopt(M_TRIM_THRESHOLD, KEPT)
