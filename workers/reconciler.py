"""The reconciler: in every worker, it settles what was lost and wakes slots for what waits.

It needs the database alone, and changes rows under the condition that they are still as it found them, so
any number of workers may do the same at once.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.database import Database
from app.jobs import gangs
from app.jobs.finishing import lose
from app.jobs.leasing import due, expired
from app.jobs.states import HELD
from app.settings import Settings
from app.tables import Job
from workers import failures, travelling
from workers.identity import ALIVE_FILE
from workers.persistence import AWAY
from workers.protocol import CHECKPOINTS_DIR

if TYPE_CHECKING:
    from app.files.depot import Depot

Lost = Callable[[Session], ColumnElement[bool]]

BATCH = 100
SWEEP_SECONDS = 600.0

log = logging.getLogger(__name__)


class Reconciler:
    """A thread that looks every few seconds.

    ``ring`` wakes the worker's own slots; ``beat`` says that the worker is there. Checkpoints that have
    travelled are swept in the ``depot``, seldom, since looking there takes time.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        ring: Callable[[frozenset[str]], None],
        beat: Callable[[], None] = lambda: None,
        *,
        depot: "Depot | None" = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._ring = ring
        self._beat = beat
        self._depot = depot
        self._swept = time.monotonic()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._leaving.set()
        self._thread.join()

    def reconcile(self) -> None:
        """Look once."""
        _show_life(self._settings.data_dir)
        self._beat()
        settle(self._database, expired, self._settings.restarts)
        settle(self._database, gangs.broken, self._settings.restarts)
        with self._database.write() as session:
            gangs.forget(session)
        sweep_checkpoints(self._database, self._settings.data_dir)
        if self._depot is not None and time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            travelling.sweep(self._database, self._depot)
        with self._database.read() as session:
            query = select(Job.slot).where(Job.state == "queued", due(session, Job)).distinct()
            waiting = frozenset(session.scalars(query))
        if waiting:
            self._ring(waiting)

    def _work(self) -> None:
        while not self._leaving.wait(self._settings.reconcile_seconds):
            try:
                self.reconcile()
            except AWAY:
                # The slots tell of it.
                continue
            except (SQLAlchemyError, OSError):
                log.exception("lost jobs cannot be looked for now; trying again")


def _show_life(data_dir: Path) -> None:
    """Leave a sign for whoever looks whether this worker is alive; what hinders that is told elsewhere."""
    with suppress(OSError):
        (data_dir / ALIVE_FILE).touch()


def settle(database: Database, lost: Lost, restarts: int) -> None:
    """End the attempts of which ``lost`` holds; their jobs are begun again, or end as they were told to."""
    with database.read() as session:
        found = session.scalars(select(Job.id).where(lost(session)).order_by(Job.id).limit(BATCH)).all()
    for job_id in found:
        with database.write() as session:
            # Another worker that settles it now has locked it.
            query = select(Job).where(Job.id == job_id, lost(session))
            job = session.scalar(query.with_for_update(of=Job, skip_locked=True))
            if job is not None:
                worker, attempt = job.worker, job.attempt
                lose(session, job.id, attempt, failures.worker_lost(), restarts)
                log.warning("%s was lost with %s in attempt %d; it is %s", job_id, worker, attempt, job.state)


def left_by(worker: str | None) -> Lost:
    """Return the condition that an earlier life of ``worker`` held the job, or any worker if that is None."""
    mine = Job.state.in_(HELD)
    return lambda _: mine if worker is None else (mine & (Job.worker == worker)) | gangs.sat(worker)


def sweep_checkpoints(database: Database, data_dir: Path) -> None:
    """Remove the checkpoints of jobs that have no use for them any more."""
    folder = data_dir / CHECKPOINTS_DIR
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if not names:
        return
    over = Job.state.in_(("succeeded", "cancelled"))
    with database.read() as session:
        kept = select(Job.id).where(Job.id.in_(names), ~over, Job.deleted_at.is_(None))
        useless = set(names).difference(session.scalars(kept))
    for name in useless:
        shutil.rmtree(folder / name, ignore_errors=True)
