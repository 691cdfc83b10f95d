"""Threads that leave the processor to the event loop whenever that has something to do."""

import os
import sys
import threading

# Before a training job, which is niced too, but behind the event loop and what else serves.
NICENESS = 5
_LOWEST = 19


def step_back() -> None:
    """Lower the priority of the calling thread; Linux alone has priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = min(_LOWEST, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
