"""A worker that is told to leave has its jobs pay for it."""

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.jobs import finishing
from workers import failures

FOUND_BY = "I6"


def plant(replace: Replace) -> None:
    """Lose what is handed back."""

    def hand_back(session: Session, job_id: str, attempt: int) -> bool:
        return finishing.lose(session, job_id, attempt, failures.worker_lost(), 3)

    replace(finishing, "hand_back", hand_back)


def scene(stage: Stage) -> None:
    """A worker is told to leave before its job has a checkpoint."""
    stage.submit("one")
    stage.history.write("drain", target="worker")
    stage.begin().hand_back()
    stage.settle()
    stage.begin().finish()
