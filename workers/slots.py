"""Slots: threads that claim jobs of one sort and run them, one at a time, until nothing waits.

A slot sleeps until the doorbell rings for it, and looks by itself every two seconds: a ring that is lost
costs no more than that.
"""

import logging
import shutil
import sys
import threading
from queue import Empty, SimpleQueue

from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from app.jobs.claiming import Reach
from app.jobs.fence import held
from app.jobs.finishing import fail, hand_back, lose
from app.room import is_full
from workers import failures
from workers.attempt import run_attempt
from workers.child import Program, environment_of_children
from workers.claims import Claimed, Claims
from workers.devices import Device, seen
from workers.lending import Pool
from workers.orders import order_of
from workers.persistence import AWAY, persist
from workers.protocol import Order
from workers.starting import Starter
from workers.warm import ForkServer, Spare
from workers.workshop import Workshop

POLL_SECONDS = 2.0
# A slot that has offered itself to a gang may be a member any moment.
OFFERED_SECONDS = 0.5

log = logging.getLogger(__name__)


class Slot:
    """One slot of sort ``sort`` (``training`` or ``light``)."""

    def __init__(self, workshop: Workshop, sort: str, number: int, worker: str) -> None:
        self.sort = sort
        self._workshop, self._number = workshop, number
        self._pool = workshop.pool if sort == "training" else Pool((), 1)
        # Unlike an Event, this queue may be used in a signal handler that interrupts its own use.
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._is_away = self._is_short = False
        self._claims = Claims(workshop, sort, worker, number)
        self._thread = threading.Thread(target=self._work, name=f"{sort}-{number}", daemon=True)

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def ring(self) -> None:
        """Wake the slot up."""
        self._bell.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the slot's end; it comes when its worker drains."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        settings = self._workshop.settings
        # A slot starts its children itself: they die with the thread that started them.
        environment = environment_of_children(settings.data_dir) | seen(())
        # What a fork server has loaded of the driver of a GPU its children could not use.
        waiting = Spare if self._pool.gpus else ForkServer
        starter = Starter(environment, self._warm_program(), waiting)
        try:
            while not self._workshop.draining():
                if not self._has_run_one(starter):
                    self._wait()
        finally:
            starter.close()
            self._claims.withdraw()

    def _has_run_one(self, starter: Starter) -> bool:
        """Claim a job and run it; False if there is none, or none can be had now."""
        try:
            starter.prepare(self._workshop.draining)
            return self._run_next(starter)
        except Exception:
            # Nobody would miss a slot that ended, and its worker would still look well.
            log.exception("no job can be claimed now; trying again")
            return False

    def _warm_program(self) -> Program | None:
        """Return the program that this slot keeps loaded; only Linux ends a fork server with its slot."""
        program = self._workshop.programs.get("training")
        wanted = self._workshop.settings.warm_start and sys.platform == "linux" and self.sort == "training"
        return program if wanted and program is not None and program.preload else None

    def _run_next(self, starter: Starter) -> bool:
        """Claim a job and run it; False if there is none, or its files cannot be had or kept."""
        found = self._claim() if self._has_room() and self._has_files() else None
        if found is None:
            return False
        claimed, devices = found
        with bound_contextvars(job_id=claimed.job, attempt=claimed.attempt):
            # Whatever goes wrong with one job, the next one is claimed.
            try:
                order = self._order(claimed)
                if order is None:
                    log.warning("the attempt was lost before it began")
                else:
                    run_attempt(self._workshop, starter, order, devices, claimed.member)
            except Exception as error:
                log.exception("the job could not be run")
                self._give_up(claimed, error)
            finally:
                self._pool.give_back(devices)
                self._claims.leave(claimed)
        return True

    def _has_room(self) -> bool:
        settings = self._workshop.settings
        free = shutil.disk_usage(settings.data_dir).free
        if free < settings.free_bytes and not self._is_short:
            log.warning("%s has %d bytes of room left; no jobs are begun", settings.data_dir, free)
        self._is_short = free < settings.free_bytes
        return not self._is_short

    def _has_files(self) -> bool:
        """Tell whether files can be fetched; the store says when they cannot."""
        return self._workshop.store.trouble() is None

    def _claim(self) -> tuple[Claimed, tuple[Device, ...]] | None:
        try:
            with self._pool.lock:
                return self._taken()
        except AWAY as error:
            if not self._is_away:
                log.warning("the database is away (%s); no jobs are claimed", type(error).__name__)
            self._is_away = True
            return None

    def _taken(self) -> tuple[Claimed, tuple[Device, ...]] | None:
        """Claim the best job and take its devices; the caller holds the lock of the pool."""
        free = self._pool.free(self._number)
        if free < 1:
            return None
        claimed = self._claims.next(Reach(free, self._pool.most, self._pool.slots))
        self._pool.promise(self._number, self._claims.promised)
        self._is_away = False
        return None if claimed is None else (claimed, self._pool.take(claimed.devices))

    def _order(self, claimed: Claimed) -> Order | None:
        """Return what the child is to do; None if the job is another's by now."""
        workshop = self._workshop
        with workshop.database.read() as session:
            # This machine may have slept since: the row may tell of another worker's attempt.
            job = held(session, claimed.job, claimed.attempt)
            if job is None:
                return None
            return order_of(session, job, workshop.settings, workshop.store, claimed.rank)

    def _give_up(self, claimed: Claimed, error: Exception) -> None:
        attempt, settings = (claimed.job, claimed.attempt), self._workshop.settings

        def end(session: Session) -> None:
            if isinstance(error, AWAY):
                hand_back(session, *attempt)
            elif is_full(error, settings.data_dir):
                lose(session, *attempt, failures.storage_low(), settings.restarts)
            else:
                fail(session, *attempt, failures.internal())

        try:
            persist(self._workshop.database, end, self._workshop.draining)
        except Exception:
            # The row stays as it is until its lease has run out.
            log.exception("the job could not be given up")

    def _wait(self) -> None:
        try:
            self._bell.get(timeout=OFFERED_SECONDS if self._claims.is_waiting else POLL_SECONDS)
            # Rings that came together are one.
            while True:
                self._bell.get_nowait()
        except Empty:
            return
