"""The journal of one attempt: what its child reports reaches the database in short transactions."""

import logging
import time
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.database import Database
from app.jobs.recording import Reported, record
from app.tables import Job
from workers.persistence import AWAY

WRITE_SECONDS = 0.2
LOOK_SECONDS = 0.4
# What a child can say while the database is away; then progress and log lines go, phases and epochs stay.
EVENTS_KEPT = 10_000

Standing = Literal["running", "cancelling", "lost"]

log = logging.getLogger(__name__)


class Journal:
    """Writes the events of one attempt, and learns from the job's row how the attempt stands."""

    def __init__(self, database: Database, job_id: str, attempt: int) -> None:
        self._database = database
        self._job_id = job_id
        self._attempt = attempt
        self._waiting: list[Reported] = []
        self._wrote = self._looked = float("-inf")
        self._standing: Standing = "running"

    def add(self, event: Reported) -> None:
        """Take an event, to be written soon; of progress only the newest matters."""
        if event.type == "progress" and self._waiting and self._waiting[-1].type == "progress":
            self._waiting.pop()
        if len(self._waiting) < EVENTS_KEPT or event.type in {"phase", "epoch"}:
            self._waiting.append(event)

    def keep_up(self) -> Standing:
        """Write what is due, look at the job when that is due, and return how the attempt stands.

        While the database is away the attempt stands as it stood, and its events wait.
        """
        moment = time.monotonic()
        try:
            if self._waiting and moment - self._wrote >= WRITE_SECONDS:
                self._wrote = moment
                with self._database.write() as session:
                    self.write_rest(session)
                self._waiting.clear()
            if moment - self._looked >= LOOK_SECONDS:
                self._looked = moment
                self._look()
        except AWAY as error:
            log.warning("the database is away (%s); %d events wait", type(error).__name__, len(self._waiting))
        except SQLAlchemyError:
            log.exception("%d events cannot be written", len(self._waiting))
            self._waiting.clear()
        return self._standing

    def write_rest(self, session: Session) -> None:
        """Write what waits, in a transaction of the caller's."""
        if not record(session, self._job_id, self._attempt, self._waiting):
            self._standing = "lost"

    def _look(self) -> None:
        query = select(Job.state).where(Job.id == self._job_id, Job.attempt == self._attempt)
        with self._database.read() as session:
            state = session.scalar(query)
        self._standing = (
            "cancelling" if state == "cancelling" else "running" if state == "running" else "lost"
        )
