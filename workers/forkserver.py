"""The fork server: a process with TensorFlow loaded, and nothing run, that a job's child is forked from.

It is a program: ``python -P -m workers.forkserver CONTROL_FD PARENT_PID MODULE [PRELOAD …]``. On the control
socket it says ``ready``; each request is an order's directory with the child's three pipes; it answers with
the child's process number and, when the child has ended, its exit status. One child at a time.

Before a fork only imports are safe: after any operation of TensorFlow in here, the children would hang.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from workers.children.program import NICENESS
from workers.lineage import die_with_parent

REQUEST_BYTES = 64 * 1024
EXIT_FAILED = 70

Main = Callable[[Path, int], int]


def serve(control: socket.socket, main: Main) -> None:
    """Answer requests until the other end of ``control`` is closed."""
    # Nothing that is loaded now is garbage; the collector would copy the pages of all of it in each child.
    gc.collect()
    gc.freeze()
    tell(control, {"ready": os.getpid()})
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 3)
        if not request:
            return
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_child(control, main, Path(json.loads(request)["order"]), descriptors, parent)
        for descriptor in descriptors:
            os.close(descriptor)
        tell(control, {"pid": pid})
        _, status = os.waitpid(pid, 0)
        tell(control, {"status": os.waitstatus_to_exitcode(status)})


def _become_child(
    control: socket.socket, main: Main, order_dir: Path, descriptors: list[int], parent: int
) -> NoReturn:
    """Do in the forked process what ``exec`` would have done, run the order, and end without a trace."""
    status = EXIT_FAILED
    try:
        os.setsid()
        die_with_parent(parent)
        status = run_order(control, main, order_dir, descriptors)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else EXIT_FAILED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Whatever the server registered to run at its exit is not the child's to run.
        os._exit(status)


def run_order(control: socket.socket, main: Main, order_dir: Path, descriptors: list[int]) -> int:
    """Run an order in this process, which has its pipes from now on; return the exit status."""
    control.close()
    stdin, events, output = descriptors
    for source, target in ((stdin, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(stdin)
    os.close(output)
    os.chdir(order_dir)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return main(order_dir, events)


def tell(control: socket.socket, message: dict[str, Any]) -> None:
    """Send one message to the slot."""
    control.send(json.dumps(message).encode())


def loaded(parent: int, module: str, preload: list[str]) -> Main:
    """Load everything and return the program's ``main``; this process dies with its ``parent``."""
    die_with_parent(parent)
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    # Ctrl-C in a terminal is the worker's to handle; this process ends when its socket closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in preload:
        importlib.import_module(name)
    main: Main = importlib.import_module(module).main
    return main


def run(control_fd: int, parent: int, module: str, preload: list[str]) -> None:
    """Load everything, then serve."""
    # Python 3.12 warns of threads at a fork: those that libraries start while loading hold no locks.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    main = loaded(parent, module, preload)
    with socket.socket(fileno=control_fd) as control:
        serve(control, main)


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
