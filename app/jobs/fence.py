"""The fence: only the attempt that a job is in may write about it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs.states import HELD
from app.tables import Job


def held(session: Session, job_id: str, attempt: int) -> Job | None:
    """Return the job, locked, while ``attempt`` is the one that runs; None if it no longer is.

    A job that is being paused or cancelled still runs: its child may report until it is gone.
    """
    query = select(Job).where(Job.id == job_id, Job.attempt == attempt, Job.state.in_(HELD))
    return session.scalar(query.with_for_update(of=Job).execution_options(populate_existing=True))
