"""Whoever once ran a job may write about it for ever: the fence looks at no attempt."""

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.jobs import finishing, recording
from app.tables import Job
from workers import conclusion

FOUND_BY = "I3"


def plant(replace: Replace) -> None:
    """Replace the fence wherever it stands."""

    def held(session: Session, job_id: str, _attempt: int) -> Job | None:
        return session.get(Job, job_id, populate_existing=True)

    for module in (recording, finishing, conclusion):
        replace(module, "held", held)


def scene(stage: Stage) -> None:
    """A worker sleeps for longer than its lease, and goes on beside the one that has its job now."""
    stage.submit("one")
    sleeper = stage.begin("sleeper").steps(2)
    stage.lose(sleeper)
    other = stage.begin("other").steps(2)
    sleeper.steps(4)
    other.finish()
