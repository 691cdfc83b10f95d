"""Claiming: how a slot gets the best waiting job, and no other slot gets it too."""

from typing import NamedTuple

from sqlalchemy import Double, bindparam, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from app.jobs.events import append_state, enter_phase
from app.jobs.leasing import LEASE_SECONDS, due, era, moment
from app.tables import DatasetVersion, Job
from app.tables.base import now

# To put one together takes longer than to run it; one for each clock.
_STATEMENTS: dict[str, ReturningUpdate[Job]] = {}


class Reach(NamedTuple):
    """How many devices a slot can have for a job: now, and at most."""

    free: int = 1
    most: int = 1


def claim(
    session: Session,
    slot: str,
    worker: str,
    *,
    reach: Reach = Reach(),  # noqa: B008 - immutable
    lease: float = LEASE_SECONDS,
) -> Job | None:
    """Start an attempt of the best job that waits for slots of this sort; None if none does.

    The best is the one of highest priority, of those the oldest. A training job waits for its dataset to be
    read, a job that was lost until it may be begun again. The caller commits before it acts; after ``lease``
    seconds without a word of it the job is lost.

    A job that needs more devices than the slot can ever have is left to others. One that needs more than are
    free now is not passed by, and nothing is claimed: else smaller ones might keep it waiting for ever.
    """
    name = era(session)
    if name not in _STATEMENTS:
        _STATEMENTS[name] = _statement(session)
    given = {"of_sort": slot, "by": worker, "begun": now(), "seconds": lease, **reach._asdict()}
    job = session.scalar(_STATEMENTS[name], given)
    if job is not None:
        _begin_attempt(session, job)
    return job


def _statement(session: Session) -> ReturningUpdate[Job]:
    ready = select(DatasetVersion.id).where(DatasetVersion.state == "ready")
    candidate = aliased(Job)
    usable = or_(
        candidate.kind == "reading",
        candidate.dataset_version_id.is_(None),
        candidate.dataset_version_id.in_(ready),
    )
    best = (
        select(candidate.id)
        .where(
            candidate.slot == bindparam("of_sort"),
            candidate.state == "queued",
            candidate.devices <= bindparam("most"),
            usable,
            due(session, candidate),
        )
        .order_by(candidate.priority.desc(), candidate.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=candidate)
    )
    return (
        update(Job)
        .where(Job.id == best.scalar_subquery(), Job.state == "queued", Job.devices <= bindparam("free"))
        .values(
            state="running",
            attempt=Job.attempt + 1,
            worker=bindparam("by"),
            era=era(session),
            lease_until=moment(session) + bindparam("seconds", type_=Double),
            not_before=None,
            child_gone_at=None,
            started_at=bindparam("begun", type_=Job.started_at.type),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _begin_attempt(session: Session, job: Job) -> None:
    append_state(session, job)
    enter_phase(session, job, "starting")
