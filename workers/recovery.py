"""Recovery: what a worker does at its start about the jobs that its earlier life left running."""

import logging
import shutil
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import Database
from app.jobs import finishing
from app.tables import Job
from workers import failures
from workers.orders import ORDERS_DIR

# Reading can be done again, unless it is the reading that ends the worker.
READING_ATTEMPTS = 3

log = logging.getLogger(__name__)


def recover(database: Database, data_dir: Path, worker: str | None) -> None:
    """End or repeat what ``worker`` was doing when it died; its children died with it.

    None means every worker, for a database that no other worker uses.
    """
    with database.write() as session:
        lost = select(Job).where(Job.state.in_(("running", "cancelling")))
        if worker is not None:
            lost = lost.where(Job.worker == worker)
        for job in session.scalars(lost.order_by(Job.id)).all():
            _recover(session, job)
            log.warning("%s was lost with an earlier life of this worker; it is %s", job.id, job.state)
    shutil.rmtree(data_dir / ORDERS_DIR, ignore_errors=True)


def _recover(session: Session, job: Job) -> None:
    if job.state == "cancelling":
        finishing.cancelled(session, job.id, job.attempt)
    elif job.kind == "reading" and job.attempt < READING_ATTEMPTS:
        finishing.hand_back(session, job.id, job.attempt)
    else:
        finishing.fail(session, job.id, job.attempt, failures.worker_lost())
