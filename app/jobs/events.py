"""What a job reports, in order: the one way in which events are written."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.tables import Event, Job
from app.tables.base import now

# Much of what is done to a job is its events: as rows, not as objects, they cost a third.
_INSERT = insert(Event.__table__)  # type: ignore[arg-type]


def append(session: Session, job: Job, kind: str, data: dict[str, Any]) -> None:
    """Write one event of the job's present attempt; it is seen when the transaction commits.

    The caller has updated the job's row in this transaction. That locks it, so that the events of one job
    become visible in the order of their ids, which every reader's ``after`` relies on.
    """
    session.flush()
    session.execute(_INSERT, _row(job, kind, data))


def append_state(session: Session, job: Job) -> None:
    """Write the ``state`` event of a move that was just made, with what the end of a job leaves to say."""
    append(session, job, "state", _state(job))


def append_beginning(session: Session, job: Job) -> None:
    """Write the ``state`` event and the ``phase`` event of an attempt whose row was just moved, at once."""
    session.flush()
    session.execute(_INSERT, [_row(job, "state", _state(job)), _row(job, "phase", {"phase": job.phase})])


def enter_phase(session: Session, job: Job, phase: str) -> None:
    """Begin a phase: on the row, in its timed history, and as an event."""
    job.phase = phase
    job.phases = [*job.phases, timed(phase)]
    session.flush()
    append(session, job, "phase", {"phase": phase})


def timed(phase: str) -> dict[str, str]:
    """Return the entry of the timed history for a phase that begins now."""
    return {"phase": phase, "at": now().isoformat().replace("+00:00", "Z")}


def _row(job: Job, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"job_id": job.id, "attempt": job.attempt, "type": kind, "data": data}


def _state(job: Job) -> dict[str, Any]:
    details = {"error": job.error, "stop_reason": job.stop_reason}
    return {"state": job.state, **{key: value for key, value in details.items() if value}}
