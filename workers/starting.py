"""Starting children in one slot: warm where that is wanted and works, else cold."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from workers.child import Child, Program, start_cold
from workers.warm import NotWarm, Waiting

# A machine on which the warm start never works must not try it for every job.
FAILURES_BORNE = 3
# A process that has TensorFlow loaded and waits takes about half a gigabyte, which jobs may need more.
LEAST_FREE_BYTES = 2 * 1024**3

log = logging.getLogger(__name__)


class Launch(NamedTuple):
    """A program, the folder of its order, and what this child alone has in its ``environment``."""

    program: Program
    order_dir: Path
    environment: Mapping[str, str]


class Starter:
    """Starts the children of one slot, one at a time, in the slot's own thread.

    ``waiting`` makes what waits with the program loaded: a fork server, or a spare process.
    """

    def __init__(self, environment: Mapping[str, str], warm: Program | None, waiting: type[Waiting]) -> None:
        self._environment = environment
        self._warm = warm
        self._wait_with = waiting
        self._waiting: Waiting | None = None
        self._failures = 0

    def prepare(self, given_up: Callable[[], bool]) -> None:
        """Load what the slot's program needs, if it can start warm; returns early when ``given_up()``.

        A job that is claimed meanwhile would load the same again, and be no sooner.
        """
        while self._warm is not None and self._failures < FAILURES_BORNE and not given_up():
            if self._waiting is None:
                if not self._wait_with.stays and _free_bytes() < LEAST_FREE_BYTES:
                    return
                self._waiting = self._wait_with(self._warm, self._environment)
            if self._waiting.wait_until_ready(given_up) or given_up():
                return
            self.distrust("it did not get ready")

    def start(self, launch: Launch, *, cold: bool = False) -> tuple[Child, bool]:
        """Return a child that does an order, and whether it was started warm."""
        if self._waiting is not None and launch.program == self._warm and not cold:
            try:
                child = self._waiting.start(launch.order_dir, launch.environment)
            except NotWarm as error:
                self.distrust(str(error))
            else:
                if not self._waiting.stays:
                    self._waiting = None
                return child, True
        environment = {**self._environment, **launch.environment}
        return start_cold(launch.program, launch.order_dir, environment), False

    def trust(self) -> None:
        """Note that a child that was started warm came to life."""
        self._failures = 0

    def distrust(self, reason: str) -> None:
        """End what waits and does not work; the next job may have another one."""
        self._failures += 1
        said = self._waiting.last_words() if self._waiting is not None else ""
        log.warning("the warm start was ended: %s; it printed last: %s", reason, said or "nothing")
        self.close()

    def close(self) -> None:
        """End what waits, if anything does."""
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None


def _free_bytes() -> float:
    """Return how much memory could be had now, infinite where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kilobytes[0] * 1024 if kilobytes else float("inf")
