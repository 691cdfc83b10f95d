"""Persistence: a write that outlives a database that is away for a while."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.database import Database

# What a driver raises when the database, not the statement, is at fault.
AWAY = (OperationalError, InterfaceError, PoolTimeout)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
PATIENCE_SECONDS = 600.0

T = TypeVar("T")

log = logging.getLogger(__name__)


def persist(database: Database, change: Callable[[Session], T], given_up: Callable[[], bool]) -> T:
    """Run ``change`` in a transaction, again and again until the database takes it.

    ``change`` must be fenced: when the database goes away during the commit, it may have been done already.
    Raises what the database raised once ``given_up()``, or after ten minutes.
    """
    pause, patience_ends = FIRST_PAUSE_SECONDS, time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with database.write() as session:
                return change(session)
        except AWAY as error:
            if given_up() or time.monotonic() > patience_ends:
                raise
            log.warning("the database is away (%s); trying again", type(error).__name__)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
