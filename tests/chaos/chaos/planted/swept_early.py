"""Checkpoints are swept up as soon as nobody runs their job."""

import shutil
from pathlib import Path

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy import select

from app.database import Database
from app.jobs.states import HELD
from app.tables import Job
from workers import reconciler

FOUND_BY = "I10"


def plant(replace: Replace) -> None:
    """Keep those of running jobs only."""

    def sweep(database: Database, data_dir: Path) -> None:
        with database.read() as session:
            kept = set(session.scalars(select(Job.id).where(Job.state.in_(HELD))))
        for folder in (data_dir / "checkpoints").glob("*"):
            if folder.name not in kept:
                shutil.rmtree(folder)

    replace(reconciler, "sweep_checkpoints", sweep)


def scene(stage: Stage) -> None:
    """A worker is killed in the second epoch, and the reconciler looks twice before another takes the job."""
    stage.submit("one")
    stage.lose(stage.begin().steps(7))
    stage.settle()
    stage.begin().finish()
