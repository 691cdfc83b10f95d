"""One attempt of one job: its order, its child, and what comes of it."""

import logging
import shutil
from pathlib import Path

from workers import failures
from workers.conclusion import Conclusion
from workers.journal import Journal, Lease
from workers.orders import ORDERS_DIR, write_order
from workers.protocol import OUTPUT_DIR, Order
from workers.starting import Starter
from workers.supervisor import Ending, Supervisor
from workers.workshop import Workshop

log = logging.getLogger(__name__)


def run_attempt(workshop: Workshop, starter: Starter, order: Order) -> None:
    """Run a claimed attempt; return when its child is gone and the job has moved on, or is another's."""
    log.info("%s begins", order.kind)
    settings = workshop.settings
    lease = Lease(settings.lease_seconds, settings.heartbeat_seconds)
    journal = Journal(workshop.database, order.job, order.attempt, lease)
    folder = write_order(settings.data_dir / ORDERS_DIR, order)
    try:
        memory_kills = failures.memory_kills()
        ending = _watch(workshop, starter, order, journal, folder)
        log.info("its child is gone: %s, status %d", ending.cause, ending.status)
        if ending.unreadable:
            log.warning("%d lines of its child were no events", ending.unreadable)
        Conclusion(workshop, order, journal).write(ending, folder / OUTPUT_DIR, memory_kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(workshop: Workshop, starter: Starter, order: Order, journal: Journal, folder: Path) -> Ending:
    program = workshop.programs[order.kind]
    child, warm = starter.start(program, folder)
    ending = Supervisor(child, journal, workshop.limits, draining=workshop.draining, warm=warm).watch()
    if not warm:
        return ending
    if ending.cause != "silent":
        starter.trust()
        return ending
    starter.distrust(f"the child of {order.job} gave no sign of life")
    child, _ = starter.start(program, folder, cold=True)
    return Supervisor(child, journal, workshop.limits, draining=workshop.draining, warm=False).watch()
