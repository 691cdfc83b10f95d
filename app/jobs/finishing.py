"""Finishing: how a running attempt ends, in one transaction that is fenced by the attempt."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.jobs.fence import held
from app.jobs.moving import move
from app.jobs.resolving import resolve_waiting
from app.tables import DatasetVersion, Job
from app.tables.base import now

Failure = Mapping[str, Any]

READING_CANCELLED: Failure = {
    "code": "bad_data",
    "message": "Its reading was cancelled.",
    "hint": "Upload it again.",
    "retryable": True,
}


def fail(session: Session, job_id: str, attempt: int, failure: Failure) -> bool:
    """End the attempt with an error ``{code, message, hint, retryable}``; False if it no longer runs.

    A job that is being cancelled ends cancelled whatever its child died of.
    """
    job = held(session, job_id, attempt)
    if job is None:
        return False
    if job.state == "cancelling":
        return _cancel(session, job)
    move(session, job, "running", "failed", error=dict(failure), finished_at=now())
    _give_up_reading(session, job, failure)
    return True


def cancelled(session: Session, job_id: str, attempt: int) -> bool:
    """End an attempt that was to be cancelled and whose child is gone; False if that is not its state."""
    job = held(session, job_id, attempt)
    return job is not None and job.state == "cancelling" and _cancel(session, job)


def hand_back(session: Session, job_id: str, attempt: int) -> bool:
    """Put the job back into the queue, to be begun again; False if the attempt no longer runs."""
    job = held(session, job_id, attempt)
    if job is None:
        return False
    if job.state == "cancelling":
        return _cancel(session, job)
    columns = dict.fromkeys(("worker", "phase", "progress", "best", "started_at"))
    move(session, job, "running", "queued", **columns)
    ring_after_commit(session, job.slot)
    return True


def finish_reading(
    session: Session,
    job_id: str,
    attempt: int,
    result: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
    *,
    max_parameters: int,
) -> bool:
    """Make the dataset version of a reading job ready, and let the jobs that waited for it go.

    ``result`` is the reader's, ``files`` maps canonical names to ``{sha256, bytes}`` in the store. False if
    the attempt no longer runs; a job that is being cancelled ends cancelled.
    """
    job = held(session, job_id, attempt)
    if job is None:
        return False
    if job.state == "cancelling":
        return _cancel(session, job)
    version = _version(session, job)
    version.state = "ready"
    version.schema, version.profile, version.split = (result[key] for key in ("schema", "profile", "split"))
    version.warnings = list(result["warnings"])
    version.files = {name: dict(stored) for name, stored in files.items()}
    version.bytes = sum(stored["bytes"] for stored in files.values())
    version.duplicate_of = _first_equal(session, version, result["digest"])
    version.digest = result["digest"]
    session.flush()
    move(session, job, "running", "succeeded", finished_at=now(), result={"digest": version.digest})
    resolve_waiting(session, version, max_parameters=max_parameters)
    return True


def invalidate(session: Session, version: DatasetVersion, failure: Failure) -> None:
    """Mark a version that was never read as invalid, and fail the jobs that wait for it."""
    version.state = "invalid"
    version.error = dict(failure)
    session.flush()
    waiting = select(Job).where(
        Job.dataset_version_id == version.id, Job.state == "queued", Job.kind == "training"
    )
    error = {
        "code": "bad_data",
        "message": f"The dataset version could not be read: {failure['message']}",
        "hint": failure.get("hint"),
        "retryable": False,
    }
    for job in session.scalars(waiting.order_by(Job.id).with_for_update(of=Job)).all():
        move(session, job, "queued", "failed", error=error, finished_at=now())


def _cancel(session: Session, job: Job) -> bool:
    move(session, job, "cancelling", "cancelled", finished_at=now())
    _give_up_reading(session, job, READING_CANCELLED)
    return True


def _give_up_reading(session: Session, job: Job, failure: Failure) -> None:
    if job.kind == "reading":
        invalidate(session, _version(session, job), failure)


def _version(session: Session, job: Job) -> DatasetVersion:
    # Locked, so that a job that names it is submitted either before or after its reading has ended.
    return session.get_one(DatasetVersion, job.dataset_version_id, with_for_update={"of": DatasetVersion})


def _first_equal(session: Session, version: DatasetVersion, digest: str) -> int | None:
    """Return the number of the dataset's first ready version of this digest, which covers the options too."""
    query = select(DatasetVersion.number).where(
        DatasetVersion.dataset_id == version.dataset_id,
        DatasetVersion.digest == digest,
        DatasetVersion.state == "ready",
        DatasetVersion.id != version.id,
    )
    return session.scalar(query.order_by(DatasetVersion.number).limit(1))
