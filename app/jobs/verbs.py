"""What a person may ask of a job: stop, pause, resume, retry, cancel. Which of them when, the states say."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.datasets.repository import lock_versions
from app.errors import Conflict
from app.jobs import service
from app.jobs.events import append
from app.jobs.finishing import READING_CANCELLED, invalidate
from app.jobs.moving import move
from app.jobs.resolving import resolve_waiting
from app.jobs.schemas import JobRead
from app.jobs.states import Verb, possible
from app.tables import DatasetVersion, Event, Job
from app.tables.base import now


def stop(session: Session, owner: str, job_id: str) -> JobRead:
    """Have a training finish early: what it has learned so far is evaluated and published."""
    job = _permitted(session, owner, job_id, "stop")
    if job.stop_requested_at is None:
        job.stop_requested_at = now()
        job.revision += 1
        session.flush()
        append(session, job, "log", {"level": "info", "message": "Asked to finish early."})
    return _described(session, job)


def pause(session: Session, owner: str, job_id: str) -> JobRead:
    """Take a job off its worker, or out of the queue, until it is resumed; what it has learned is kept."""
    job = _permitted(session, owner, job_id, "pause")
    if not move(session, job, "queued", "paused"):
        move(session, job, "running", "pausing")
    return _described(session, job)


def resume(session: Session, owner: str, job_id: str, *, max_parameters: int) -> JobRead:
    """Put a paused job back into the queue; it goes on where it was."""
    job = _permitted(session, owner, job_id, "resume")
    _queue_again(session, job, "paused")
    if job.kind != "reading" and job.resolved is None and job.dataset_version is not None:
        _catch_up(session, job.dataset_version, max_parameters)
    return _described(session, job)


def retry(session: Session, owner: str, job_id: str) -> JobRead:
    """Put a failed job back into the queue; it goes on from its last checkpoint, if it has one."""
    job = _permitted(session, owner, job_id, "retry")
    _require_rows(job)
    query = select(Event).where(Event.job_id == job.id, Event.type == "state")
    for event in session.scalars(query.order_by(Event.id.desc()).limit(1)):
        # Whoever follows the events from their beginning must not take this for the job's end.
        event.data = {**event.data, "retried": True}
    if job.kind == "reading" and job.dataset_version is not None:
        job.dataset_version.state, job.dataset_version.error = "reading", None
    cleared = dict.fromkeys(("error", "finished_at", "stop_requested_at", "phase", "progress", "worker"))
    _queue_again(session, job, "failed", **cleared)
    return _described(session, job)


def cancel(session: Session, owner: str, job_id: str) -> JobRead:
    """Cancel a job: one that no worker has at once, else when its child is dead; again is the same."""
    job = _permitted(session, owner, job_id, "cancel")
    moment = now()
    if job.state in {"queued", "paused"}:
        move(session, job, job.state, "cancelled", cancel_requested_at=moment, finished_at=moment)
        if job.kind == "reading" and job.dataset_version is not None:
            invalidate(session, job.dataset_version, READING_CANCELLED)
    elif job.state in {"running", "pausing"}:
        move(session, job, job.state, "cancelling", cancel_requested_at=moment)
    return _described(session, job)


def require(job: Job, verb: Verb) -> None:
    """Raise Conflict, with what is possible instead, unless ``verb`` may be asked of the job now."""
    choices = possible(job.kind, job.state)
    if verb in choices:
        return
    state = f"has already {job.state}" if job.state in {"succeeded", "failed"} else f"is {job.state}"
    instead = f"Possible now: {', '.join(choices)}." if choices else "Nothing can be asked of it any more."
    raise Conflict(
        f"The {job.kind} job {state}, so {verb} is not possible. {instead}",
        extra={"current_state": job.state, "possible": choices},
    )


def _permitted(session: Session, owner: str, job_id: str, verb: Verb) -> Job:
    job = service.get(session, owner, job_id, lock=True)
    require(job, verb)
    return job


def _require_rows(job: Job) -> None:
    """Refuse to repeat what cannot be done: a job without rows, or one that was never resolved."""
    version = job.dataset_version
    usable = "invalid" if job.kind == "reading" else "ready"
    if version is None or version.deleted_at is not None or version.state != usable:
        raise Conflict("The dataset version of this job cannot be used any more.", code="no_rows")
    if job.kind != "reading" and job.resolved is None:
        instead = " Clone it with other specs." if job.kind == "training" else ""
        raise Conflict(f"This job did not fit its dataset.{instead}", code="never_resolved")
    if job.kind == "evaluation" and (job.model_version is None or job.model_version.deleted_at is not None):
        raise Conflict("The version that this job was to evaluate was deleted.", code="no_version")


def _catch_up(session: Session, version: DatasetVersion, max_parameters: int) -> None:
    """Do for a job that waited for its dataset what was done for others when that had been read."""
    # Locked, so that its reading ends before or after this.
    lock_versions(session, [version])
    if version.state == "ready":
        resolve_waiting(session, version, max_parameters=max_parameters)
    elif version.state == "invalid":
        invalidate(session, version, version.error or READING_CANCELLED)


def _queue_again(session: Session, job: Job, source: str, **columns: object) -> None:
    move(session, job, source, "queued", restarts=0, not_before=None, **columns)
    ring_after_commit(session, job.slot)


def _described(session: Session, job: Job) -> JobRead:
    return service.described(session, [job])[0]
