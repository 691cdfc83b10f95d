"""Each restart is charged twice, so that a job has half as many as it was promised."""

from collections.abc import Mapping
from typing import Any

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.jobs import finishing
from app.tables import Job
from workers import reconciler

FOUND_BY = "I1"


def plant(replace: Replace) -> None:
    """Charge once more what was charged."""
    lose = finishing.lose

    def losing(session: Session, job_id: str, attempt: int, failure: Mapping[str, Any], most: int) -> bool:
        before = session.get_one(Job, job_id).restarts
        done = lose(session, job_id, attempt, failure, most)
        job = session.get_one(Job, job_id)
        job.restarts += job.restarts - before
        return done

    replace(reconciler, "lose", losing)


def scene(stage: Stage) -> None:
    """Three workers are killed with one job before it has a checkpoint; the fourth is not."""
    stage.submit("one")
    for _ in range(3):
        stage.lose(stage.begin())
    if last := stage.claim():
        last.finish()
