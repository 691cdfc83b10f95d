"""Collecting what is of no use any more, or only telling what that would be.

Any number of processes may do it at once, while the service runs.
"""

import logging
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from app.retention import emptying, folders, logs, objects
from app.retention.garbage import Garbage, Site

log = logging.getLogger(__name__)


def plan(site: Site) -> Iterator[Garbage]:
    """Yield what :func:`run` would remove now."""
    return _found(site, planning=True)


def run(site: Site) -> Iterator[Garbage]:
    """Remove what is of no use, and yield what is gone; what cannot be removed now stays for next time."""
    for garbage in _found(site, planning=False):
        try:
            is_gone = garbage.remove()
        except (OSError, SQLAlchemyError) as error:
            log.warning("%s %s could not be removed: %s", garbage.kind, garbage.name, error)
            continue
        if is_gone:
            yield garbage


def _found(site: Site, *, planning: bool) -> Iterator[Garbage]:
    # Files of the store come last: what is emptied out of the trash names them until then.
    yield from emptying.look(site)
    yield from logs.look(site)
    yield from folders.checkpoints(site)
    yield from folders.orders(site)
    yield from folders.staging(site)
    yield from objects.look(site, planning=planning)
