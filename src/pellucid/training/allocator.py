"""The C library's memory, kept between the steps of a training instead of given back and fetched anew.

A step's largest tensors are some megabytes each. glibc maps such blocks from the system one by one and gives
them back when they are freed, so that every step begins with pages that have to be zeroed first: a tenth of
its time (benchmarks/LOG.md).
"""

import ctypes
import sys

# Of <malloc.h>; the threshold is the largest that glibc takes.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = ((_M_MMAP_THRESHOLD, 32 * 2**20), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, for its next large blocks; whether the C library can.

    Only glibc is asked; elsewhere nothing changes. It holds until the process ends.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return all(library.mallopt(name, value) == 1 for name, value in _SETTINGS)
