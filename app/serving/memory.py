"""The memory of this process: how much there is, and how what was freed is given back to the system."""

import ctypes
import os
import sys
from pathlib import Path


def give_back() -> None:
    """Let the C library return its free pages; it keeps those of versions that are gone otherwise."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        # glibc only; musl returns pages by itself.
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)


def resident() -> int:
    """Return how many bytes are in memory now; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
