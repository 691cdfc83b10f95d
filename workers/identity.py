"""Identity: a worker's name, kept in its data folder, and the lock that keeps others from using it."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from app.identifiers import new_id

LOCK_FILE = "worker.lock"
# Touched every few seconds by a worker that is alive.
ALIVE_FILE = "worker.alive"
# Longer than a worker takes to leave, so that the next one may be started at once.
PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.1


class AnotherWorker(Exception):
    """Another worker works on this data folder."""


class Identity:
    """A worker's name while it holds the lock; the kernel frees the lock whatever the process dies of."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock; raises :class:`AnotherWorker` if somebody else keeps it."""
        self._file = (data_dir / LOCK_FILE).open("a+")
        try:
            _lock(self._file)
        except AnotherWorker:
            self._file.close()
            raise
        self.name = _name(self._file)

    def close(self) -> None:
        """Let another worker have the name."""
        self._file.close()


def _lock(file: IO[str]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise AnotherWorker(
                    f"another worker already works on {Path(file.name).parent}; "
                    "stop it, or give this one a data folder of its own"
                ) from None
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _name(file: IO[str]) -> str:
    """Return the name that earlier lives of this worker had, or a new one that is kept from now on."""
    file.seek(0)
    name = file.read().strip()
    if not name:
        name = new_id("worker")
        file.write(name)
        file.flush()
        os.fsync(file.fileno())
    return name
