"""Keeps the C library from holding on to memory that a long-running process has given back.

glibc opens an arena for each of many threads, up to eight a core, and what is freed in one serves no other:
in a process whose threads take turns with large blocks the resident memory climbs though nothing leaks.
mallopt(3), malloc_trim(3). Where there is no glibc nothing is done.
"""

import ctypes
from functools import cache
from typing import Any

_M_ARENA_MAX = -8
_ARENAS = 2


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "malloc_trim") else None
    except (OSError, TypeError):  # no C library to be found in this way
        return None


def share_arenas() -> None:
    """Have all threads that start from now on share two arenas."""
    if _glibc() is not None:
        _glibc().mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return what is free to the system: some ms, for after large work."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if _glibc() is not None:
        _glibc().malloc_trim(0)
