"""The doorbell: tells idle workers that there is work, without ever making a request wait.

Rings are published by one background thread. What is rung for meanwhile is a set of slots, so that a dead or
hanging broker costs no memory either. A ring that is lost is not repeated: workers also look by themselves.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from app.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

RING_TASK = "ring"
CLOSING_SECONDS = 2.0
# RabbitMQ says that it has a message; one that says nothing has not.
CONFIRMING_SECONDS = 1.0

log = logging.getLogger(__name__)


class Doorbell:
    """Rings for the workers of one installation; ``failed`` counts the rings that reached no broker."""

    def __init__(self, settings: Settings) -> None:
        self.failed = 0
        self._settings = settings
        self._broken = False
        self._closing = False
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._publish_forever, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, slots: frozenset[str]) -> None:
        """Tell workers that there is work for these sorts of slot; returns at once."""
        with self._changed:
            self._waiting |= slots
            self._changed.notify()

    def close(self) -> None:
        """Publish what waits, if the broker takes it at once, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSING_SECONDS)

    def _publish_forever(self) -> None:
        celery = _publisher(self._settings)
        while (slots := self._next()) is not None:
            for slot in sorted(slots):
                self._publish(celery, slot)
        celery.close()

    def _next(self) -> set[str] | None:
        """Wait for rings and take them all; None when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            slots, self._waiting = self._waiting, set()
        return slots or None

    def _publish(self, celery: "Celery", slot: str) -> None:
        started = time.monotonic()
        try:
            celery.send_task(RING_TASK, args=[slot], queue=slot, confirm_timeout=CONFIRMING_SECONDS)
        # Each transport raises errors of its own, and none of them may end this thread.
        except Exception as error:
            self.failed += 1
            if not self._broken:
                self._broken = True
                log.warning(
                    "the broker takes no rings (%s after %.1f s); until it does, workers look for work",
                    type(error).__name__,
                    time.monotonic() - started,
                )
        else:
            if self._broken:
                self._broken = False
                log.info("the broker takes rings again; %d were lost", self.failed)


def _publisher(settings: Settings) -> "Celery":
    from app.broker import create_celery  # noqa: PLC0415 - Celery loads slowly, and nobody waits for this thread

    return create_celery(settings, "publisher")
