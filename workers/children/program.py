"""What all programs of children have in common: how they begin, how they end, what they say of a failure.

Each is run as ``python -P -m MODULE ORDER_DIR [--events-fd N] [--parent-pid N]``; without a descriptor events
go to standard output.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from app.room import is_full
from workers.children.events import Events
from workers.children.stopping import Stop, Stopped, listen
from workers.lineage import die_with_parent
from workers.protocol import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_INTERNAL,
    EXIT_STOPPED,
    ORDER_FILE,
    OUTPUT_DIR,
    Failure,
    Order,
)

# Predictions on the same machine come first.
NICENESS = 10
_STDOUT, _STDERR = 1, 2
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)


class Failed(Exception):
    """The work cannot be done, for a reason that its owner is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


Work = Callable[[Order, Path, Events, Stop], None]
"""Does an order: gets it, the folder for its files, where to report, and whether to leave."""


def run(work: Work, order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Do the order in ``order_dir`` and return the exit status; whatever goes wrong becomes an event.

    The caller is a process of its own for this one order: it dies with its parent from now on.
    """
    stop = Stop()
    events = _begin(events_fd, parent_pid, stop)
    try:
        try:
            order = _ORDER.validate_json((order_dir / ORDER_FILE).read_bytes())
            output = order_dir / OUTPUT_DIR
            output.mkdir(mode=0o700, exist_ok=True)
            work(order, output, events, stop)
        except Stopped:
            return EXIT_STOPPED
        except Exception as error:
            failure = _failure_of(error, order_dir)
            if failure.code == "internal":
                traceback.print_exc()
                events.log("error", "".join(traceback.format_exception(error)))
            events.send("error", failure.model_dump())
            return EXIT_BAD_INPUT if failure.code == "bad_data" else EXIT_INTERNAL
    except Stopped:
        # Nobody reads the events any more.
        return EXIT_STOPPED
    return EXIT_DONE


def start(main: Callable[..., int]) -> None:
    """Read the command line and run a program's ``main``."""
    parser = argparse.ArgumentParser(description="Do one order; by hand, events go to standard output.")
    parser.add_argument("order_dir", type=Path, help=f"folder with {ORDER_FILE}")
    parser.add_argument("--events-fd", type=int, default=_STDOUT, help="file descriptor for the events")
    parser.add_argument("--parent-pid", type=int, help="leave at once if this is not the parent")
    arguments = parser.parse_args()
    sys.exit(main(arguments.order_dir, arguments.events_fd, parent_pid=arguments.parent_pid))


def _begin(events_fd: int, parent_pid: int | None, stop: Stop) -> Events:
    die_with_parent(parent_pid or os.getppid())
    with suppress(PermissionError):
        # By hand at a terminal it stays in the foreground group, where Ctrl-C reaches it.
        if os.getpgrp() != os.getpid() and not os.isatty(0):
            os.setpgid(0, 0)
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    if events_fd == _STDOUT:
        # Libraries print what they like; it must not stand among the events.
        events_fd = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    listen(stop)
    return Events(events_fd)


def _failure_of(error: Exception, folder: Path) -> Failure:
    if isinstance(error, Failed):
        return error.failure
    if isinstance(error, MemoryError):
        return out_of_memory()
    if is_full(error, folder):
        return Failure(
            code="storage_low",
            message="The disk is full: the files of this job could not be written.",
            hint="Make room, then submit the job again.",
            retryable=True,
        )
    return Failure(
        code="internal",
        message="The job failed for a reason that is not its owner's fault.",
        hint="Its log holds the details; please report them.",
    )


def out_of_memory() -> Failure:
    """Return what is told when memory ran out."""
    return Failure(
        code="out_of_memory",
        message="There was not enough memory.",
        hint="Use smaller batches or a smaller network, or run fewer jobs at once.",
    )
