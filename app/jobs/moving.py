"""Moves between the states of a job: each one a conditional update with its event."""

from typing import Any

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from app.jobs.events import append_state
from app.jobs.states import MOVES
from app.tables import Job


def move(session: Session, job: Job, source: str, target: str, **columns: Any) -> bool:
    """Move ``job`` from ``source`` to ``target`` and write its ``state`` event; False if it was elsewhere.

    ``columns`` are set in the same update. ``job`` shows the row as it is afterwards, moved or not.
    """
    assert target in MOVES[source], f"{source} never becomes {target}"
    statement = (
        update(Job)
        .where(Job.id == job.id, Job.state == source)
        .values(state=target, revision=Job.revision + 1, **columns)
        .execution_options(synchronize_session=False)
    )
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    session.refresh(job)
    if result.rowcount == 0:
        return False
    append_state(session, job)
    return True
