"""Memory that was freed, given back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Let the C library return its free pages; it keeps those of versions that are gone otherwise."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        # glibc only; musl returns pages by itself.
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
