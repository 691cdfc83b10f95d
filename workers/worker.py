"""A worker: its identity, its slots, and how they begin and end."""

import logging
import math
import shutil
import time
from collections.abc import Mapping
from functools import cached_property

from sqlalchemy.exc import SQLAlchemyError

from app import folder_transport
from app.broker import broker_folder, is_embedded
from app.database import Database
from app.settings import Settings
from app.storage import open_store
from app.workers.hearing import Equipment, announce, beat, gang_slots, leave
from workers.child import Program
from workers.claims import free_address
from workers.devices import Device, devices_of
from workers.identity import Identity
from workers.lending import Pool
from workers.orders import ORDERS_DIR, threads_of_one_trainer
from workers.reconciler import Reconciler, left_by, settle
from workers.slots import Slot
from workers.supervisor import Limits
from workers.workshop import PROGRAMS, Workshop

LEAVING_SECONDS = 15.0

log = logging.getLogger(__name__)


class Worker:
    """The slots of one process. ``programs`` are the children's, by kind of job."""

    def __init__(
        self, settings: Settings, *, programs: Mapping[str, Program] = PROGRAMS, limits: Limits | None = None
    ) -> None:
        self.settings = settings
        self._programs = programs
        self._limits = limits or Limits(whole=settings.job_seconds or math.inf)
        self._slots: list[Slot] = []
        self._draining = False
        self._identity: Identity | None = None
        self._database: Database | None = None
        self._reconciler: Reconciler | None = None
        self._pool: Pool | None = None

    @property
    def sorts(self) -> Mapping[str, int]:
        """How many slots of each sort there are; a sort of which there is none is not named."""
        counts = {"training": self._training_slots, "light": self.settings.light_slots}
        return {sort: count for sort, count in counts.items() if count}

    @cached_property
    def gpus(self) -> tuple[Device, ...]:
        """The GPUs that jobs are trained on; none where the processor does it."""
        return devices_of(self.settings.devices) if self.settings.training_slots else ()

    @property
    def _equipment(self) -> Equipment:
        names = [gpu.name for gpu in self.gpus]
        return Equipment(self.sorts, names, gang=bool(self.settings.gang_host))

    @property
    def _training_slots(self) -> int:
        return len(self.gpus) or self.settings.training_slots

    def start(self) -> None:
        """Take the worker's name, settle what its earlier life left, and begin to claim.

        Raises:
            workers.identity.AnotherWorker: another process has the name.
            workers.claims.NoAddress: the address for gangs is none of this machine.
        """
        if self.settings.gang_host:
            free_address(self.settings.gang_host)
        # Whatever shares the machine among training slots shares it among as many as there are.
        settings = self.settings.model_copy(update={"training_slots": self._training_slots})
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._identity = Identity(settings.data_dir)
        self._database = Database(settings.resolved_database_url, on_commit=self.ring)
        # A database in this folder has no other worker, even if the file with the worker's name was deleted.
        left = left_by(self._identity.name if settings.database_url else None)
        settle(self._database, left, settings.restarts)
        shutil.rmtree(settings.data_dir / ORDERS_DIR, ignore_errors=True)
        if is_embedded(settings):
            # The slots look for work as they begin: what was rung for until now is no news.
            folder_transport.clear(broker_folder(settings))
        with self._database.write() as session:
            announce(session, self._identity.name, self._equipment, settings.lease_seconds)
        store = open_store(settings)
        store.prepare()
        self._pool = pool = Pool(self.gpus, threads_of_one_trainer(settings))
        workshop = Workshop(
            settings, self._database, store, lambda: self._draining, self._programs, self._limits, pool
        )
        sorts = ["training"] * settings.training_slots + ["light"] * settings.light_slots
        self._slots = [Slot(workshop, sort, number, self._identity.name) for number, sort in enumerate(sorts)]
        for slot in self._slots:
            slot.start()
        self._reconciler = Reconciler(self._database, settings, self.ring, self._beat, depot=store.depot)
        self._reconciler.start()
        log.info("worker %s has %d slots and %d GPUs", self._identity.name, len(self._slots), len(self.gpus))

    def ring(self, sorts: frozenset[str]) -> None:
        """Wake the slots of these sorts."""
        for slot in self._slots:
            if slot.sort in sorts:
                slot.ring()

    def _beat(self) -> None:
        assert self._database is not None
        assert self._identity is not None
        with self._database.write() as session:
            wanted = beat(session, self._identity.name, self._equipment, self.settings.lease_seconds)
            if self._pool is not None and self.settings.gang_host:
                self._pool.slots = max(1, gang_slots(session))
        if wanted and not self._draining:
            log.info("asked to drain: jobs are handed back, and none is claimed until the next start")
            self.drain()

    def drain(self) -> None:
        """Have every slot stop its child, hand its job back, and end; safe in a signal handler."""
        self._draining = True
        for slot in self._slots:
            slot.ring()

    def stop(self) -> None:
        """Drain, wait for the slots, and give everything back."""
        self.drain()
        until = time.monotonic() + LEAVING_SECONDS
        for slot in self._slots:
            if not slot.join(max(0.0, until - time.monotonic())):
                log.error("a %s slot did not end; its job is settled when its lease has run out", slot.sort)
        if self._reconciler is not None:
            self._reconciler.stop()
        if self._database is not None and self._identity is not None:
            self._say_goodbye(self._database, self._identity.name)
            self._database.close()
            self._identity.close()

    def _say_goodbye(self, database: Database, name: str) -> None:
        try:
            with database.write() as session:
                leave(session, name)
        except SQLAlchemyError:
            # It is taken for lost when its time has run out.
            log.warning("the database could not be told that the worker leaves")
