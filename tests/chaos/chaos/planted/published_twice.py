"""Whoever has a result says that its job succeeded, whether the job is still its own or not."""

from collections.abc import Mapping
from typing import Any

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.jobs.events import append_state
from app.jobs.fence import held
from app.registry.publishing import publish
from app.tables import Job, ModelVersion
from workers import conclusion

FOUND_BY = "I2"


def plant(replace: Replace) -> None:
    """Publish without looking; that a job has one version at most, the database sees to itself."""

    def anybody(session: Session, job_id: str, attempt: int) -> Job | None:
        return held(session, job_id, attempt) or session.get(Job, job_id)

    def publishing(session: Session, job: Job, result: Mapping[str, Any], files: Any) -> ModelVersion:
        if job.state == "running":
            return publish(session, job, result, files)
        append_state(session, job)
        return session.get_one(ModelVersion, job.model_version_id)

    replace(conclusion, "held", anybody)
    replace(conclusion, "publish", publishing)


def scene(stage: Stage) -> None:
    """A worker that lost its job finishes it all the same, after the one that has it now."""
    stage.submit("one")
    sleeper = stage.begin("sleeper").steps(2)
    stage.lose(sleeper)
    stage.begin("other").finish()
    sleeper.finish()
