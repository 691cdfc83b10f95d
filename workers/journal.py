"""The journal of one attempt: what its child reports reaches the database in short transactions."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.database import Database
from app.jobs.leasing import renew
from app.jobs.recording import Reported, record
from app.tables import Job
from workers.courier import Courier
from workers.persistence import AWAY

WRITE_SECONDS = 0.2
LOOK_SECONDS = 0.4
# What a child can say while the database is away; then progress and log lines go, phases and epochs stay.
EVENTS_KEPT = 10_000

# ``finishing``: it runs, and shall finish early.
Standing = Literal["running", "finishing", "pausing", "cancelling", "lost"]

log = logging.getLogger(__name__)


class Lease(NamedTuple):
    """How long an attempt is held, and how often that is renewed, in seconds."""

    seconds: float = 30.0
    heartbeat: float = 5.0


class Journal:
    """Writes the events of one attempt, renews its lease, and learns how it stands from the job's row.

    With a ``courier``, what is said of a checkpoint is written when it has arrived where others find it.
    """

    def __init__(
        self,
        database: Database,
        job_id: str,
        attempt: int,
        lease: Lease = Lease(),  # noqa: B008 - immutable
        *,
        courier: Courier | None = None,
    ) -> None:
        self._database = database
        self._courier = courier
        self._lease = lease
        self._job_id = job_id
        self._attempt = attempt
        self._waiting: list[Reported] = []
        self._wrote = self._looked = float("-inf")
        self._renewed = self._tried = time.monotonic()
        self._standing: Standing = "running"

    def add(self, event: Reported) -> None:
        """Take an event, to be written soon; of progress only the newest matters."""
        if event.type == "checkpoint" and self._courier is not None:
            self._courier.take(event)
            return
        if event.type == "progress" and self._waiting and self._waiting[-1].type == "progress":
            self._waiting.pop()
        if len(self._waiting) < EVENTS_KEPT or event.type not in {"progress", "log"}:
            self._waiting.append(event)

    def keep_up(self) -> Standing:
        """Do what is due: renew the lease, write, look at the job; return how the attempt stands.

        While the database is away the attempt stands as it stood, and its events wait, until its lease has
        run out: then another worker may have the job.
        """
        moment = time.monotonic()
        self._collect()
        try:
            if moment - self._tried >= self._lease.heartbeat:
                self._tried = moment
                self._renew()
            if self._waiting and moment - self._wrote >= WRITE_SECONDS:
                self._wrote = moment
                with self._database.write() as session:
                    self.write_rest(session)
                self._waiting.clear()
            if moment - self._looked >= LOOK_SECONDS:
                self._looked = moment
                self._look()
        except AWAY as error:
            if moment - self._renewed > self._lease.seconds:
                self._standing = "lost"
            log.warning("the database is away (%s); %d events wait", type(error).__name__, len(self._waiting))
        except SQLAlchemyError:
            log.exception("%d events cannot be written", len(self._waiting))
            self._waiting.clear()
        return self._standing

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Renew the lease while the body works, which does not keep up meanwhile.

        Losing it ends nothing here: what the body makes ready is written only if the attempt still runs.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(done,), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def settle(self, seconds: float, given_up: Callable[[], bool]) -> None:
        """Wait for checkpoints that are under way, but not for long; of what is late nobody is told."""
        if self._courier is not None:
            with self.renewing():
                self._courier.close(seconds, given_up)
            self._collect()

    def write_rest(self, session: Session) -> None:
        """Write what waits, in a transaction of the caller's."""
        if not record(session, self._job_id, self._attempt, self._waiting):
            self._standing = "lost"

    def _collect(self) -> None:
        if self._courier is not None:
            self._waiting += self._courier.arrived()

    def _renew_until(self, done: threading.Event) -> None:
        # It is due as long after the last one as ever: several such waits may follow one another.
        while not done.wait(max(0.0, self._tried + self._lease.heartbeat - time.monotonic())):
            self._tried = time.monotonic()
            try:
                self._renew()
            except SQLAlchemyError as error:
                log.warning("the lease could not be renewed (%s); trying again", type(error).__name__)

    def _renew(self) -> None:
        begun = time.monotonic()
        with self._database.write() as session:
            held = renew(session, self._job_id, self._attempt, self._lease.seconds)
        if held:
            self._renewed = begun
        else:
            self._standing = "lost"

    def _look(self) -> None:
        columns = select(Job.state, Job.stop_requested_at)
        with self._database.read() as session:
            found = session.execute(
                columns.where(Job.id == self._job_id, Job.attempt == self._attempt)
            ).one_or_none()
        match found:
            case ("running", None):
                self._standing = "running"
            case ("running", _):
                self._standing = "finishing"
            case ("pausing" | "cancelling" as state, _):
                self._standing = state
            case _:
                self._standing = "lost"
