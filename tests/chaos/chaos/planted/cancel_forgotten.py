"""The reconciler looks for lost jobs that run, and for none that were about to leave."""

from chaos import stage as stages
from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from app.jobs.leasing import expired
from app.tables import Job

FOUND_BY = "I1"


def plant(replace: Replace) -> None:
    """Look at ``running`` alone."""

    def lost(session: Session) -> ColumnElement[bool]:
        return and_(Job.state == "running", expired(session))

    replace(stages, "expired", lost)


def scene(stage: Stage) -> None:
    """A job is cancelled, and its worker is killed before it has ended it."""
    job = stage.submit("one")
    attempt = stage.begin().steps(2)
    stage.cancel(job)
    stage.lose(attempt)
