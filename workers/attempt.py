"""One attempt of one job: its order, its child, and what comes of it."""

import logging
import shutil
from collections.abc import Sequence

from app.jobs.gangs import Place
from workers import failures
from workers.conclusion import Conclusion
from workers.courier import Courier
from workers.devices import Device, seen
from workers.journal import Journal, Lease
from workers.membership import MemberConclusion, MemberJournal
from workers.orders import ORDERS_DIR, write_order
from workers.protocol import OUTPUT_DIR, Order
from workers.providing import provide
from workers.starting import Launch, Starter
from workers.supervisor import Ending, Supervisor
from workers.travelling import travels_of
from workers.workshop import Workshop

# How long the last checkpoint may be under way to where others find it.
SETTLING_SECONDS = 60.0
# Whoever stops a worker waits for fifteen, of which its child has six.
DRAINING_SECONDS = 5.0

log = logging.getLogger(__name__)


def run_attempt(
    workshop: Workshop,
    starter: Starter,
    order: Order,
    devices: Sequence[Device] = (),
    place: Place | None = None,
) -> None:
    """Run a claimed attempt; return when its child is gone and the job has moved on, or is another's.

    The child sees these GPUs and no others. ``place`` is that of the slot in a gang of which it is no chief.
    """
    log.info("%s begins", order.kind)
    travels = travels_of(workshop.store, order)
    courier = Courier(travels.send) if travels is not None else None
    journal, conclusion = _scribes(workshop, order, courier, place)
    folder = write_order(workshop.settings.data_dir / ORDERS_DIR, order)
    try:
        if not provide(workshop, order, journal, travels):
            return
        memory_kills = failures.memory_kills()
        launch = Launch(workshop.programs[order.kind], folder, seen(devices))
        ending = _watch(workshop, starter, launch, journal)
        log.info("its child is gone: %s, status %d", ending.cause, ending.status)
        if ending.unreadable:
            log.warning("%d lines of its child were no events", ending.unreadable)
        _settle(workshop, journal, ending)
        conclusion.write(ending, folder / OUTPUT_DIR, memory_kills)
    finally:
        if courier is not None:
            courier.close(0.0, workshop.draining)
        shutil.rmtree(folder, ignore_errors=True)


def _scribes(
    workshop: Workshop, order: Order, courier: Courier | None, place: Place | None
) -> tuple[Journal, Conclusion]:
    """Return what writes of an attempt while it runs, and of its end."""
    settings, attempt = workshop.settings, (workshop.database, order.job, order.attempt)
    lease = Lease(settings.lease_seconds, settings.heartbeat_seconds)
    if place is not None:
        journal: Journal = MemberJournal(*attempt, lease, place)
        return journal, MemberConclusion(workshop, order, journal, place)
    journal = Journal(*attempt, lease, courier=courier)
    return journal, Conclusion(workshop, order, journal)


def _settle(workshop: Workshop, journal: Journal, ending: Ending) -> None:
    """Let checkpoints arrive that somebody may go on from."""
    if ending.cause in {"lost", "cancelled"} or ending.result is not None:
        journal.settle(0.0, workshop.draining)
    elif ending.cause == "drained":
        journal.settle(DRAINING_SECONDS, lambda: False)
    else:
        journal.settle(SETTLING_SECONDS, workshop.draining)


def _watch(workshop: Workshop, starter: Starter, launch: Launch, journal: Journal) -> Ending:
    child, warm = starter.start(launch)
    ending = Supervisor(child, journal, workshop.limits, draining=workshop.draining, warm=warm).watch()
    if not warm:
        return ending
    if ending.cause != "silent":
        starter.trust()
        return ending
    starter.distrust("a child gave no sign of life")
    child, _ = starter.start(launch, cold=True)
    return Supervisor(child, journal, workshop.limits, draining=workshop.draining, warm=False).watch()
