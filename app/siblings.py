"""Several web processes that are measured as one: each leaves its measurements in a file for the others."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import orjson

from app.exposition import Families, Family, join, lasting

# As old as what one process tells of another is, …
LEAVE_SECONDS = 1.0
# … or older where there is so much to tell that it would take more than this share of the time.
LEAVE_SHARE = 0.01

log = logging.getLogger(__name__)


class Siblings:
    """One of several web processes: its own measurements, and by their files those of the others.

    ``measure`` returns what this process has measured. What was counted outlives its process: the one that
    is started in the place of a dead one, under the same number, goes on from there. A process that is killed
    takes along what it counted since it last left its file, but never what anybody was told of.
    """

    def __init__(self, folder: Path, number: int, measure: Callable[[], Families]) -> None:
        self._folder = folder
        self._file = folder / f"{number}.json"
        self._measure = measure
        self._inherited: Families = {}
        self._leaving = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on_leaving, name="metrics", daemon=True)

    def start(self) -> None:
        """Go on from where the last process of this number ended."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._inherited = lasting(_read(self._file))
        self._thread.start()

    def close(self) -> None:
        """Leave the last of it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._leave()

    def together(self) -> Families:
        """Return what all processes have measured, added up."""
        # Left before it is told: whoever takes this process's place then knows of it.
        families = self._leave()
        for file in sorted(self._folder.glob("*.json")):
            if file != self._file:
                join(families, _read(file))
        return families

    def _go_on_leaving(self) -> None:
        took = 0.0
        while not self._stopped.wait(max(LEAVE_SECONDS, took / LEAVE_SHARE)):
            # Of the processor: on a busy machine the clock on the wall would make it leave next to nothing.
            began = time.thread_time()
            self._leave()
            took = time.thread_time() - began

    def _leave(self) -> Families:
        with self._leaving:
            families = self._measure()
            join(families, self._inherited)
            fresh = self._file.with_suffix(".new")
            try:
                fresh.write_bytes(_packed(families))
                fresh.replace(self._file)
            except OSError as error:
                log.warning("the measurements cannot be left for the others: %s", error.strerror)
        return families


def forget(folder: Path) -> None:
    """Begin to count anew; for when none of the processes runs yet."""
    rmtree(folder, ignore_errors=True)


def _packed(families: Families) -> bytes:
    return orjson.dumps(
        {
            name: [kind, documentation, [[*key, value] for key, value in samples.items()]]
            for name, (kind, documentation, samples) in families.items()
        }
    )


def _read(file: Path) -> Families:
    """Return what a process left; nothing if it has not left anything yet."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    return {
        name: Family(
            kind,
            documentation,
            {
                (sample, tuple((key, text) for key, text in labels)): value
                for sample, labels, value in samples
            },
        )
        for name, (kind, documentation, samples) in orjson.loads(content).items()
    }
