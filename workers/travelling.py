"""Checkpoints that travel: where hosts share no folder, the next attempt of a job may run on another one.

Each attempt keeps its newest checkpoints in a folder of its own at the store's address, so that one that was
given up disturbs no later one. A list, written last, names the files that belong together.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.database import Database
from app.storage import Missing, Store
from app.tables import Job
from app.tables.base import now
from models.checkpoints import is_whole, kept
from workers.protocol import CHECKPOINTS_DIR, Order, TrainingOrder

if TYPE_CHECKING:
    # Large, and imported only where files are kept elsewhere.
    from app.files.depot import Depot

LIST = "list.json"
# Which attempt used a folder last on this host.
MARK = "attempt"
# A retry of a job that failed goes on from its checkpoint for so long.
FAILED_SPARED = timedelta(hours=24)
# An attempt that was given up may still replace its files while another one fetches them.
TRIES = 3

log = logging.getLogger(__name__)


class Travels:
    """The way of the checkpoints of one attempt between the ``folder`` of its child and the depot."""

    def __init__(self, depot: "Depot", folder: Path, job: str, attempt: int, *, staging: Path) -> None:
        self._depot = depot
        self._folder = folder
        self._home = f"{CHECKPOINTS_DIR}/{job}"
        self._attempt = attempt
        self._staging = staging
        self._sent: frozenset[str] = frozenset()

    def bring(self) -> None:
        """Fetch the newest checkpoints of earlier attempts, unless this host has them, or newer ones.

        Raises:
            Away: the store does not answer as it should.
        """
        if self._attempt == 1:
            return
        here = _last_attempt(self._folder)
        for attempt in sorted(self._attempts(), reverse=True):
            if attempt <= here or self._fetched(attempt):
                break
        if self._folder.is_dir():
            (self._folder / MARK).write_text(str(self._attempt))

    def send(self) -> None:
        """Copy the checkpoints as they are now, then let go what they replace.

        Raises:
            Away: the store does not answer as it should.
        """
        with tempfile.TemporaryDirectory(dir=self._staging, prefix="sending-") as scratch:
            names = _linked(self._folder, Path(scratch))
            for name in sorted(names - self._sent):
                self._depot.put(Path(scratch) / name, self._at(self._attempt, name))
            listed = Path(scratch) / LIST
            listed.write_text(json.dumps(sorted(names)))
            self._depot.replace(listed, self._at(self._attempt, LIST))
        for name in self._sent - names:
            self._depot.remove(self._at(self._attempt, name))
        if not self._sent:
            self._let_go(attempt for attempt in self._attempts() if attempt < self._attempt)
        self._sent = names

    def _at(self, attempt: int, name: str) -> str:
        return f"{self._home}/{attempt}/{name}"

    def _attempts(self) -> list[int]:
        found = [int(name) for name in self._depot.folders(self._home) if name.isdecimal()]
        return [attempt for attempt in found if attempt < self._attempt]

    def _let_go(self, attempts: Iterable[int]) -> None:
        for attempt in attempts:
            self._depot.remove_all(f"{self._home}/{attempt}")

    def _fetched(self, attempt: int) -> bool:
        """Replace what is in the folder by the checkpoints of an attempt; False if it left none."""
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._staging, prefix="arriving-") as scratch:
            arriving = Path(scratch) / "checkpoints"
            for _ in range(TRIES):
                shutil.rmtree(arriving, ignore_errors=True)
                if self._arrived(attempt, arriving, Path(scratch) / LIST):
                    break
            if not kept(arriving):
                return False
            shutil.rmtree(self._folder, ignore_errors=True)
            arriving.rename(self._folder)
        log.info("the checkpoints of attempt %d were fetched", attempt)
        return True

    def _arrived(self, attempt: int, arriving: Path, listed: Path) -> bool:
        """Fetch all files that an attempt has listed; False if one is missing or damaged."""
        arriving.mkdir(mode=0o700)
        try:
            self._depot.get(self._at(attempt, LIST), listed)
        except Missing:
            return True
        whole = True
        for name in json.loads(listed.read_bytes()):
            target = arriving / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(Missing):
                self._depot.get(self._at(attempt, name), target)
            if not is_whole(target):
                log.warning("the checkpoint %s is missing or damaged in the store", self._at(attempt, name))
                target.unlink(missing_ok=True)
                whole = False
        return whole


def travels_of(store: Store, order: Order) -> Travels | None:
    """Return the way of an attempt's checkpoints; None where they stay on this host, or there are none."""
    if store.depot is None or not isinstance(order, TrainingOrder) or order.checkpoints is None:
        return None
    return Travels(store.depot, order.checkpoints, order.job, order.attempt, staging=store.staging)


def sweep(database: Database, depot: "Depot") -> None:
    """Remove the checkpoints of jobs that have no use for them any more."""
    names = depot.folders(CHECKPOINTS_DIR)
    if not names:
        return
    over = Job.state.in_(("succeeded", "cancelled")) | (
        (Job.state == "failed") & (Job.finished_at < now() - FAILED_SPARED)
    )
    with database.read() as session:
        useful = select(Job.id).where(Job.id.in_(names), ~over, Job.deleted_at.is_(None))
        useless = set(names).difference(session.scalars(useful))
    for name in useless:
        depot.remove_all(f"{CHECKPOINTS_DIR}/{name}")


def _last_attempt(folder: Path) -> int:
    """Return the last attempt that used a folder on this host; 0 if none did."""
    try:
        return int((folder / MARK).read_text())
    except (FileNotFoundError, ValueError):
        # The first one empties its folder; a worker that was killed may have left no number.
        return 1 if kept(folder) else 0


def _linked(folder: Path, scratch: Path) -> frozenset[str]:
    """Link the files of all checkpoints into a folder, where they stay; return their names."""
    names = set()
    for path in kept(folder):
        name = path.relative_to(folder)
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        # It may just have been replaced by a newer one, which is sent next.
        with suppress(FileNotFoundError):
            os.link(path, scratch / name)
            names.add(name.as_posix())
    return frozenset(names)
