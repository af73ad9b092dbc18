"""Tells the C library to keep freed memory for a while. Unaware of what the memory is for.

Each message of a stream is about 1 MiB that is freed again at once. glibc gives such blocks back
to the kernel and gets fresh, zeroed pages for the next: measured, that doubled the CPU time of
reading large blobs, and made batch reads of 100 blobs of 10 KB 2.5 times as dear.
"""

from __future__ import annotations

import ctypes
from typing import Final

# Parameters of glibc's mallopt (malloc.h), and what they are set to.
OPTIONS: Final = (
    (-1, 64 * 1024 * 1024),  # M_TRIM_THRESHOLD: free bytes kept at the top of each arena
    (-3, 32 * 1024 * 1024),  # M_MMAP_THRESHOLD: only larger blocks are mapped by themselves
    (-8, 4),  # M_ARENA_MAX: so that at most 4 x 64 MiB are kept
)


def keep_freed_memory() -> bool:
    """Set the options for this process; False where the C library is another."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    answers = [mallopt(option, value) for option, value in OPTIONS]
    return all(answer == 1 for answer in answers)
