"""Finishing: how a running attempt ends, in one transaction that is fenced by the attempt."""

import random
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.jobs.events import append
from app.jobs.fence import held
from app.jobs.leasing import era, moment
from app.jobs.moving import move
from app.jobs.resolving import resolve_waiting
from app.tables import DatasetVersion, Job
from app.tables.base import now

Failure = Mapping[str, Any]

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0

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
    return _fail(session, job, failure)


def cancelled(session: Session, job_id: str, attempt: int) -> bool:
    """End an attempt that was to be cancelled and whose child is gone; False if that is not its state."""
    job = held(session, job_id, attempt)
    return job is not None and job.state == "cancelling" and _cancel(session, job)


def hand_back(session: Session, job_id: str, attempt: int) -> bool:
    """Put the job back into the queue, to be begun again; False if the attempt no longer runs.

    A job that is being paused or cancelled ends so.
    """
    job = held(session, job_id, attempt)
    return job is not None and _put_back(session, job)


def lose(session: Session, job_id: str, attempt: int, failure: Failure, restarts: int) -> bool:
    """End an attempt that broke off; False if it no longer runs.

    The job is begun again: at once if the attempt had got further than those before, or is the first that was
    lost; later if not; and after ``restarts`` of those not at all: then the job fails with ``failure``.
    """
    job = held(session, job_id, attempt)
    if job is None:
        return False
    got_further = (job.checkpoint or {}).get("attempt") == attempt
    if job.state == "running" and not got_further and job.restarts >= restarts:
        return _fail(session, job, failure)
    append(session, job, "log", {"level": "warning", "message": failure["message"]})
    if job.state != "running" or got_further:
        return _put_back(session, job)
    waiting = back_off(job.restarts)
    later = moment(session) + waiting if waiting else None
    return _put_back(session, job, restarts=job.restarts + 1, era=era(session), not_before=later)


def back_off(restarts: int) -> float:
    """Return how many seconds a job waits that was begun again so many times already."""
    if restarts == 0:
        return 0.0
    # What was lost together shall not all come back together.
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (restarts - 1) * random.uniform(1, 1.25), LONGEST_PAUSE_SECONDS)  # noqa: S311


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
    move(session, job, job.state, "succeeded", finished_at=now(), result={"digest": version.digest})
    resolve_waiting(session, version, max_parameters=max_parameters)
    return True


def invalidate(session: Session, version: DatasetVersion, failure: Failure) -> None:
    """Mark a version that was never read as invalid, and fail the jobs that wait for it."""
    version.state = "invalid"
    version.error = dict(failure)
    session.flush()
    waiting = select(Job).where(
        Job.dataset_version_id == version.id, Job.state == "queued", Job.kind != "reading"
    )
    error = {
        "code": "bad_data",
        "message": f"The dataset version could not be read: {failure['message']}",
        "hint": failure.get("hint"),
        "retryable": False,
    }
    for job in session.scalars(waiting.order_by(Job.id).with_for_update(of=Job)).all():
        move(session, job, "queued", "failed", error=error, finished_at=now())


def _fail(session: Session, job: Job, failure: Failure) -> bool:
    move(session, job, job.state, "failed", error=dict(failure), finished_at=now())
    _give_up_reading(session, job, failure)
    return True


def _put_back(session: Session, job: Job, **columns: Any) -> bool:
    if job.state == "cancelling":
        return _cancel(session, job)
    cleared = dict.fromkeys(("worker", "lease_until", "phase", "progress", "started_at"))
    move(session, job, job.state, "queued" if job.state == "running" else "paused", **cleared, **columns)
    if job.state == "queued":
        ring_after_commit(session, job.slot)
    return True


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
