"""Claiming: how a slot gets the best waiting job, and no other slot gets it too."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.jobs.events import append_state, enter_phase
from app.jobs.leasing import LEASE_SECONDS, due, era, moment
from app.tables import DatasetVersion, Job, MetricPoint
from app.tables.base import now


def claim(session: Session, slot: str, worker: str, *, lease: float = LEASE_SECONDS) -> Job | None:
    """Start an attempt of the best job that waits for slots of this sort; None if none does.

    The best is the one of highest priority, of those the oldest. A training job waits for its dataset to be
    read, a job that was lost until it may be begun again. The caller commits before it acts; after ``lease``
    seconds without a word of it the job is lost.
    """
    ready = select(DatasetVersion.id).where(DatasetVersion.state == "ready")
    candidate = aliased(Job)
    usable = or_(
        candidate.kind == "reading",
        candidate.dataset_version_id.is_(None),
        candidate.dataset_version_id.in_(ready),
    )
    best = (
        select(candidate.id)
        .where(candidate.slot == slot, candidate.state == "queued", usable, due(session, candidate))
        .order_by(candidate.priority.desc(), candidate.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=candidate)
    )
    statement = (
        update(Job)
        .where(Job.id == best.scalar_subquery(), Job.state == "queued")
        .values(
            state="running",
            attempt=Job.attempt + 1,
            worker=worker,
            era=era(session),
            lease_until=moment(session) + lease,
            not_before=None,
            child_gone_at=None,
            started_at=now(),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    job = session.scalar(statement)
    if job is not None:
        _begin_attempt(session, job)
    return job


def _begin_attempt(session: Session, job: Job) -> None:
    if job.attempt > 1 and job.checkpoint is None:
        # It begins from nothing, so what an earlier attempt measured is not part of this curve.
        session.execute(delete(MetricPoint).where(MetricPoint.job_id == job.id))
    append_state(session, job)
    enter_phase(session, job, "starting")
