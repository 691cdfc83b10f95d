"""Patience: a store that is away for a while does not cost what an attempt has made."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from app.storage import Away, Store, Stored
from workers.journal import Journal

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 5.0

log = logging.getLogger(__name__)


class PatientStore:
    """A store that takes a file as soon as it can, for as long as the attempt is wanted."""

    def __init__(self, store: Store, journal: Journal, given_up: Callable[[], bool]) -> None:
        self._store = store
        self._journal = journal
        self._given_up = given_up

    def adopt(self, source: Path) -> Stored:
        """Move ``source`` into the store.

        Raises:
            Away: the store is away, and the worker has to leave, or the job was lost or is to stop.
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._store.adopt(source)
            except Away as error:
                if self._given_up() or self._journal.keep_up() not in {"running", "finishing"}:
                    raise
                log.warning("what was made cannot be stored (%s); trying again", error)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
