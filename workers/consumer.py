"""The worker as a Celery application: it takes rings, and starts and stops the slots with itself."""

import logging
import warnings
from typing import Any

from celery import Celery, bootsteps, signals
from celery.platforms import SecurityWarning
from kombu import Queue

from app.broker import create_celery
from app.doorbell import RING_TASK
from app.logging import configure_logging
from workers.claims import NoAddress
from workers.identity import AnotherWorker
from workers.worker import Worker

log = logging.getLogger(__name__)


def consumer_of(worker: Worker) -> Celery:
    """Return the Celery application that rings for ``worker``'s slots; nothing starts before it does."""
    celery = create_celery(worker.settings, "consumer")
    # A ring only wakes a thread: there is nothing to run it in.
    queues = [Queue(sort) for sort in worker.sorts]
    celery.conf.update(worker_pool="solo", worker_concurrency=1, task_queues=queues)

    @celery.task(name=RING_TASK)  # type: ignore[untyped-decorator] # Celery ships no types
    def ring(slot: str) -> None:
        worker.ring(frozenset({slot}))

    class Slots(bootsteps.StartStopStep):  # type: ignore[misc] # Celery ships no types
        """A step of the worker, not of its consumer: slots go on while the broker is away."""

        def start(self, _parent: Any) -> None:
            try:
                worker.start()
            except (AnotherWorker, NoAddress) as error:
                log.critical("%s", error)
                raise SystemExit(1) from None

        def stop(self, _parent: Any) -> None:
            worker.stop()

        terminate = stop

    celery.steps["worker"].add(Slots)
    # Celery waits for its consumer before it stops this step; the slots need not.
    signals.worker_shutting_down.connect(lambda **_: worker.drain(), weak=False)
    signals.setup_logging.connect(lambda **_: _configure_logging(worker), weak=False)
    return celery


def _configure_logging(worker: Worker) -> None:
    configure_logging(worker.settings)
    # Each ring would be told of twice.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def run(celery: Celery) -> int:
    """Run the worker until it is told to stop; return its exit status."""
    # It warns root of messages that are programs; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    process = celery.Worker(quiet=True, without_gossip=True, without_mingle=True, without_heartbeat=True)
    process.start()
    status = process.exitcode
    return status if isinstance(status, int) else int(status is not None)
