"""How a child is asked to leave or to finish.

To leave: SIGTERM, Ctrl-C, or the end of the pipe that is its standard input. To finish early, with a result:
a line on that pipe.
"""

import os
import signal
import stat
import threading

from workers.protocol import STOP_LINE


class Stopped(Exception):
    """The child was asked to leave before its work was done."""


class Stop:
    """Whether this process was asked to leave, or to finish early."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._early = threading.Event()

    def request(self, *_: object) -> None:
        """Ask to leave; may be called from any thread, or as a signal's handler."""
        self._event.set()

    def requested(self) -> bool:
        """Return whether somebody asked."""
        return self._event.is_set()

    def finish(self) -> None:
        """Ask to finish early, with a result of what there is."""
        self._early.set()

    def finishing(self) -> bool:
        """Return whether somebody asked for an early finish."""
        return self._early.is_set()

    def check(self) -> None:
        """Raise :class:`Stopped` if somebody asked."""
        if self.requested():
            raise Stopped


def listen(stop: Stop) -> None:
    """Have signals, lines on standard input and its end ask ``stop``.

    Only a pipe counts: a terminal or ``/dev/null`` is what a program has that is run by hand.
    """
    hear_signals(stop)
    if _is_pipe(0):
        threading.Thread(target=_watch, args=(0, stop), name="stdin", daemon=True).start()


def hear_signals(stop: Stop) -> None:
    """Have signals ask ``stop``; again, if a library has taken them over."""
    signal.signal(signal.SIGTERM, stop.request)
    signal.signal(signal.SIGINT, stop.request)


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _watch(descriptor: int, stop: Stop) -> None:
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as lines:
        for line in lines:
            if line == STOP_LINE:
                stop.finish()
    stop.request()
