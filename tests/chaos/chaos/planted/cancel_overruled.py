"""A child that has finished publishes, though its job was cancelled meanwhile."""

from typing import Any

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.jobs import fence
from app.tables import Job
from workers import conclusion

FOUND_BY = "I1"


def plant(replace: Replace) -> None:
    """Take a cancel back."""

    def held(session: Session, job_id: str, attempt: int) -> Job | None:
        job: Any = fence.held(session, job_id, attempt)
        if job is not None and job.state == "cancelling":
            job.state = "running"
            session.flush()
        return job

    replace(conclusion, "held", held)


def scene(stage: Stage) -> None:
    """A job is cancelled while its child takes the last step."""
    job = stage.submit("one")
    attempt = stage.begin().steps(14)
    stage.cancel(job)
    attempt.finish()
