"""Resuming: checkpoints as they are written, and attempts that go on from one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.jobs.best import is_better, monitored
from app.jobs.events import append
from app.tables import Job, MetricPoint


def note_checkpoint(session: Session, job: Job, place: Mapping[str, Any]) -> None:
    """Write that a checkpoint is safe; one no further than an earlier attempt's is no progress."""
    if place["step"] > (job.checkpoint or {}).get("step", -1):
        job.checkpoint = {**place, "attempt": job.attempt}
    append(session, job, "checkpoint", dict(place))


def rewind(session: Session, job: Job, place: Mapping[str, Any]) -> None:
    """Forget what was measured after ``place``, where the attempt goes on: it is measured again."""
    later = MetricPoint.step > place["step"]
    session.execute(delete(MetricPoint).where(MetricPoint.job_id == job.id, later))
    if job.best is not None and job.best["epoch"] > place["epoch"]:
        job.best = _best_of(session, job)
    if place["step"]:
        message = f"Resumed after epoch {place['epoch']}, step {place['step']}."
        append(session, job, "log", {"level": "info", "message": message})


def was_told(session: Session, job: Job, step: int) -> bool:
    """Tell whether an earlier attempt reported the epoch that ended with ``step``, which still counts."""
    query = select(MetricPoint.step).where(
        MetricPoint.job_id == job.id, MetricPoint.step == step, MetricPoint.attempt < job.attempt
    )
    return job.attempt > 1 and session.scalar(query.limit(1)) is not None


def _best_of(session: Session, job: Job) -> dict[str, Any] | None:
    """Return the best of the epochs whose points are left."""
    points = session.scalars(select(MetricPoint).where(MetricPoint.job_id == job.id)).all()
    epochs: dict[int, dict[str, Any]] = {}
    for point in points:
        epochs.setdefault(point.epoch, {})[point.key] = point.value
    best: dict[str, Any] | None = None
    for number, metrics in sorted(epochs.items()):
        key = monitored(job, metrics)
        value = metrics.get(key)
        if value is not None and is_better(key, value, (best or {}).get(key)):
            best = {"epoch": number, **metrics}
    return best
