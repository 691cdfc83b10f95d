"""The courier: sends checkpoints away while their training goes on, and says which have arrived."""

import logging
import threading
import time
from collections.abc import Callable

from app.jobs.recording import Reported
from app.storage import StoreError

PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Courier:
    """A thread that calls ``send`` for the checkpoints that it is told of, until they have arrived.

    What is told while it is under way goes with the next one.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._waiting: list[Reported] = []
        self._arrived: list[Reported] = []
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def take(self, event: Reported) -> None:
        """Take the word of a checkpoint, to be passed on when that has arrived."""
        with self._changed:
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def arrived(self) -> list[Reported]:
        """Return, once, the words of checkpoints that have arrived."""
        with self._changed:
            arrived, self._arrived = self._arrived, []
            return arrived

    def close(self, seconds: float, given_up: Callable[[], bool]) -> None:
        """Wait until all have arrived, but no longer than ``seconds``, nor once ``given_up()``."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._waiting and time.monotonic() < until and not given_up():
                self._changed.wait(0.1)
            if self._waiting and seconds:
                log.warning("the newest checkpoint did not reach the store")
            self._is_closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while count := self._next():
            try:
                self._send()
            except (StoreError, OSError) as error:
                log.warning("a checkpoint cannot be sent (%s); trying again", error)
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closed, PAUSE_SECONDS)
                continue
            with self._changed:
                self._arrived += self._waiting[:count]
                del self._waiting[:count]
                self._changed.notify_all()

    def _next(self) -> int:
        """Wait for something to send; return how much of what was told goes with it, 0 at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return 0 if self._is_closed else len(self._waiting)
