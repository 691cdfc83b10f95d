"""Providing: what an attempt needs from the store is fetched before its child starts."""

import errno
import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from app.jobs import finishing
from app.storage import Away, Damaged, Missing
from workers import failures
from workers.journal import Journal
from workers.orders import files_of
from workers.persistence import persist
from workers.protocol import Order
from workers.travelling import Travels
from workers.workshop import Workshop

log = logging.getLogger(__name__)


def provide(workshop: Workshop, order: Order, journal: Journal, travels: Travels | None) -> bool:
    """Have the files of an order, and earlier checkpoints, where its child looks for them.

    Returns False if that is not possible; then the job was put back, or has failed.
    """
    try:
        with journal.renewing():
            for place in files_of(order):
                workshop.store.provide(place)
            if travels is not None:
                travels.bring()
    except OSError as error:
        end = _ending(error, order, workshop.settings.restarts)
        persist(workshop.database, end, workshop.draining)
        return False
    return True


def _ending(error: OSError, order: Order, restarts: int) -> Callable[[Session], object]:
    attempt = (order.job, order.attempt)
    match error:
        case Away():
            log.warning("the job is put back: %s", error)
            return lambda session: finishing.hand_back(session, *attempt)
        case Missing() | Damaged():
            failure = failures.file_lost(str(error))
            return lambda session: finishing.fail(session, *attempt, failure)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return lambda session: finishing.lose(session, *attempt, failures.storage_low(), restarts)
    raise error
