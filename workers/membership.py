"""Membership in a gang: what an attempt is to a slot that is not the chief's, and how all come to one end.

The chief's slot tells of the job, as that of any other job does. The others keep their seats, end their
children when the job is over or another attempt's, and put it back when theirs break off.
"""

import logging
import time
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.database import Database
from app.jobs import finishing, gangs
from app.jobs.fence import held
from app.jobs.gangs import Place
from app.jobs.recording import Reported
from app.jobs.states import HELD
from app.tables import Job
from workers import failures
from workers.conclusion import OTHERS_SECONDS, Conclusion
from workers.journal import Journal, Lease
from workers.persistence import persist
from workers.protocol import EXIT_DONE, EXIT_STOPPED, Order
from workers.supervisor import Ending
from workers.workshop import Workshop

log = logging.getLogger(__name__)


class MemberJournal(Journal):
    """Keeps the seat of a ``place``, and writes nothing: the chief tells of the job."""

    def __init__(self, database: Database, job_id: str, attempt: int, lease: Lease, place: Place) -> None:
        super().__init__(database, job_id, attempt, lease)
        self._place = place

    def add(self, event: Reported) -> None:
        """Take no event."""
        if event.type == "log" and event.data.get("level") == "error":
            log.warning("a member of the gang of %s says: %s", self._job_id, event.data["message"])

    def write_rest(self, session: Session) -> None:
        """Write nothing."""

    def _renew(self) -> None:
        begun = time.monotonic()
        with self._database.write() as session:
            kept = gangs.renew(session, self._place, self._attempt, self._lease.seconds)
        if kept:
            self._renewed = begun
        else:
            self._standing = "lost"


class MemberConclusion(Conclusion):
    """Gives up the seat, for the child is gone, and ends the gang if the chief does not do so first."""

    def __init__(self, workshop: Workshop, order: Order, journal: Journal, place: Place) -> None:
        super().__init__(workshop, order, journal)
        self._place = place

    def write(self, ending: Ending, output: Path, memory_kills_before: int | None) -> None:
        """Write what ``ending`` means."""
        database, draining = self._workshop.database, self._workshop.draining
        persist(database, lambda session: gangs.leave(session, self._place), draining)
        failure = self._failure(ending, memory_kills_before)
        left = ending.cause == "drained" or (ending.cause == "exited" and ending.status == EXIT_STOPPED)
        if failure is None and not left:
            return
        if left or (failure or {}).get("code") == "worker_lost":
            self._hear_chief()

        def change(session: Session) -> None:
            job = held(session, *self._attempt)
            if job is None or job.state != "running":
                return
            if failure is None:
                finishing.hand_back(session, *self._attempt)
            else:
                restarts = failures.restarts_after(failure, ending.status, self._restarts)
                finishing.lose(session, *self._attempt, failure, restarts)

        persist(database, change, draining)

    def _hear_chief(self) -> None:
        """Wait a little for the attempt to be over."""
        until = time.monotonic() + OTHERS_SECONDS
        while time.monotonic() < until:
            with self._workshop.database.read() as session:
                job = session.get_one(Job, self._order.job)
                if job.attempt != self._order.attempt or job.state not in HELD:
                    return
            time.sleep(0.1)

    def _failure(self, ending: Ending, memory_kills_before: int | None) -> dict[str, Any] | None:
        if ending.cause == "hung":
            return failures.silent_for(self._workshop.limits.silence)
        if ending.cause != "exited" or ending.status in {EXIT_DONE, EXIT_STOPPED}:
            return None
        return ending.failure or self._unexplained(ending, memory_kills_before)
