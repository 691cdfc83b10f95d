"""Starting children in one slot: warm where that is wanted and works, else cold."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from workers.child import Child, Program, start_cold
from workers.warm import ForkServer, NotWarm

# A machine on which the warm start never works must not try it for every job.
FAILURES_BORNE = 3

log = logging.getLogger(__name__)


class Starter:
    """Starts the children of one slot, one at a time, in the slot's own thread."""

    def __init__(self, environment: Mapping[str, str], warm: Program | None) -> None:
        self._environment = environment
        self._warm = warm
        self._server: ForkServer | None = None
        self._failures = 0

    def prepare(self, given_up: Callable[[], bool]) -> None:
        """Load what the slot's program needs, if it can start warm; returns early when ``given_up()``.

        A job that is claimed meanwhile would load the same again, and be no sooner.
        """
        while self._warm is not None and self._failures < FAILURES_BORNE and not given_up():
            if self._server is None:
                self._server = ForkServer(self._warm, self._environment)
            if self._server.wait_until_ready(given_up) or given_up():
                return
            self.distrust("it did not get ready")

    def start(self, program: Program, order_dir: Path, *, cold: bool = False) -> tuple[Child, bool]:
        """Return a child that runs ``program`` on an order, and whether it was started warm."""
        if self._server is not None and program == self._warm and not cold:
            try:
                child = self._server.start(order_dir)
            except NotWarm as error:
                self.distrust(str(error))
            else:
                return child, True
        return start_cold(program, order_dir, self._environment), False

    def trust(self) -> None:
        """Note that a child that was started warm came to life."""
        self._failures = 0

    def distrust(self, reason: str) -> None:
        """End the fork server, which does not work; the next job may have another one."""
        self._failures += 1
        said = self._server.last_words() if self._server is not None else ""
        log.warning("the fork server was ended: %s; it printed last: %s", reason, said or "nothing")
        self.close()

    def close(self) -> None:
        """End the fork server, if there is one."""
        if self._server is not None:
            self._server.close()
            self._server = None
