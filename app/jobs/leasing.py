"""Leases: how long a worker may take to be heard of again before its attempt counts as lost.

They are kept by a clock that all workers of a database share and that no step of a wall clock moves: on
PostgreSQL its own ``now()``; on SQLite, whose processes share one machine, the seconds since that machine's
start. The *era* names the clock; moments of another era, such as those before a restart of the machine, are
long past.
"""

import time
from functools import cache
from pathlib import Path

from sqlalchemy import ColumnElement, CursorResult, Double, and_, bindparam, extract, func, or_, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import AliasedClass

from app.jobs.states import HELD
from app.tables import Job

LEASE_SECONDS = 30.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POSTGRESQL = "postgresql"


def era(session: Session) -> str:
    """Return the name of the clock that this session's database goes by."""
    return _POSTGRESQL if _on_postgresql(session) else _boot()


def moment(session: Session) -> ColumnElement[float]:
    """Return the present moment in seconds, as SQL; on PostgreSQL it is that of the transaction's begin."""
    if _on_postgresql(session):
        return extract("epoch", func.now()).cast(Double)
    # Read when the statement runs, so that a statement can be kept.
    return bindparam("moment", callable_=_seconds_since_boot, type_=Double, unique=True)


def renew(session: Session, job_id: str, attempt: int, seconds: float) -> bool:
    """Hold the attempt for ``seconds`` from now on; False if it is no longer the one that runs."""
    result = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.attempt == attempt, Job.state.in_(HELD))
        .values(era=era(session), lease_until=moment(session) + seconds)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def expired(session: Session) -> ColumnElement[bool]:
    """Return the condition that an attempt of a job is lost."""
    lapsed = or_(
        Job.era.is_(None),
        Job.era != era(session),
        Job.lease_until.is_(None),
        Job.lease_until < moment(session),
    )
    return and_(Job.state.in_(HELD), lapsed)


def due(session: Session, job: type[Job] | AliasedClass[Job]) -> ColumnElement[bool]:
    """Return the condition that a queued job need not wait any longer before it is begun again."""
    return or_(job.not_before.is_(None), job.era != era(session), job.not_before <= moment(session))


def _on_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == _POSTGRESQL


@cache
def _boot() -> str:
    """Return what names this run of the machine; the same for every run where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "machine"


def _seconds_since_boot() -> float:
    # Unlike the monotonic clock it goes on while the machine sleeps: no worker is heard of then.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
