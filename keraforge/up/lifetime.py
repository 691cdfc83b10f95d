"""Children that do not outlive their parent, even one that is killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def bound_to_this_process() -> Callable[[], None] | None:
    """Return a ``preexec_fn``: the kernel sends the child SIGTERM when this process is gone (Linux only).

    The signal comes when the thread that started the child ends, so start it in the main thread, and while
    that is the only one: the function runs Python between fork and exec.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    # Loaded here, not in the child: between fork and exec, only calls that cannot wait are safe.
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)

    return bind
