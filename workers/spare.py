"""A spare process: TensorFlow loaded, no device touched, until it is given an order and becomes its child.

It is a program: ``python -P -m workers.spare CONTROL_FD PARENT_PID MODULE [PRELOAD …]``. On the control
socket it says ``ready``; the one request is an order's directory, the environment that its devices ask for,
and the child's three pipes. Unlike a fork server it may use GPUs, whose driver does not survive a fork.
"""

import json
import os
import socket
import sys
from pathlib import Path

from workers.forkserver import REQUEST_BYTES, loaded, run_order, tell


def run(control_fd: int, parent: int, module: str, preload: list[str]) -> int:
    """Load everything, wait for an order and run it; return the exit status."""
    main = loaded(parent, module, preload)
    control = socket.socket(fileno=control_fd)
    tell(control, {"ready": os.getpid()})
    request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 3)
    if not request:
        return 0
    wanted = json.loads(request)
    # Read by the driver when it is first used.
    os.environ.update(wanted["environment"])
    tell(control, {"pid": os.getpid()})
    return run_order(control, main, Path(wanted["order"]), descriptors)


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
