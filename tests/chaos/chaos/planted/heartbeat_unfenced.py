"""A heartbeat renews whatever attempt the job is in, and never learns that its own was lost."""

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.jobs.leasing import era, moment
from app.tables import Job
from workers import journal

FOUND_BY = "I1"


def plant(replace: Replace) -> None:
    """Renew by the job's name alone."""

    def renew(session: Session, job_id: str, _attempt: int, seconds: float) -> bool:
        later = {"era": era(session), "lease_until": moment(session) + seconds}
        session.execute(update(Job).where(Job.id == job_id).values(**later))
        return True

    replace(journal, "renew", renew)


def scene(stage: Stage) -> None:
    """A worker that lost its job goes on renewing it; the one that has it now is killed."""
    stage.submit("one")
    sleeper = stage.begin("sleeper").steps(2)
    stage.lose(sleeper)
    other = stage.begin("other").steps(2)
    stage.run_out(other)
    sleeper.beat()
    stage.settle()
    if third := stage.claim("third"):
        third.finish()
