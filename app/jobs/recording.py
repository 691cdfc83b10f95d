"""Recording: what a running attempt reports becomes rows, as long as it is the attempt that runs."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.jobs.best import is_better, monitored
from app.jobs.events import append, enter_phase
from app.jobs.fence import held
from app.jobs.resuming import note_checkpoint, rewind, was_told
from app.tables import Job, MetricPoint


class Reported(NamedTuple):
    """One event as a child sent it; its shape has been checked."""

    type: str
    data: dict[str, Any]


def record(session: Session, job_id: str, attempt: int, events: Sequence[Reported]) -> bool:
    """Write a batch of events; False, and nothing is written, if ``attempt`` no longer runs."""
    job = held(session, job_id, attempt)
    if job is None:
        return False
    epochs = []
    for event in events:
        if event.type != "epoch":
            _writer(event.type)(session, job, event.data)
        elif not was_told(session, job, event.data["step"]):
            _record_epoch(session, job, event.data)
            epochs.append(event.data)
    _save_points(session, job, epochs)
    return True


def _record_phase(session: Session, job: Job, data: dict[str, Any]) -> None:
    enter_phase(session, job, data["phase"])


def _record_progress(_session: Session, job: Job, data: dict[str, Any]) -> None:
    job.progress = {**(job.progress or {}), **data}


def _record_line(session: Session, job: Job, data: dict[str, Any]) -> None:
    append(session, job, "log", data)


def _writer(kind: str) -> Callable[[Session, Job, dict[str, Any]], None]:
    match kind:
        case "phase":
            return _record_phase
        case "progress":
            return _record_progress
        case "log":
            return _record_line
        case "checkpoint":
            return note_checkpoint
        case "resumed":
            return rewind
    raise ValueError(f"expected an event that a child may report before its end, got {kind!r}")


def _record_epoch(session: Session, job: Job, data: dict[str, Any]) -> None:
    # JSON knows no NaN: events carry null, the points of the curve say which.
    metrics = {key: finite(value) for key, value in data["metrics"].items()}
    append(session, job, "epoch", {**data, "metrics": metrics})
    job.progress = {key: data[key] for key in ("epoch", "epochs", "step", "eta") if key in data}
    key = monitored(job, metrics)
    value = metrics.get(key)
    if value is not None and is_better(key, value, (job.best or {}).get(key)):
        job.best = {"epoch": data["epoch"], **metrics}


def finite(value: float | None) -> float | None:
    """Return ``value``, or None where JSON cannot carry it."""
    return value if value is not None and math.isfinite(value) else None


def _save_points(session: Session, job: Job, epochs: Iterable[dict[str, Any]]) -> None:
    points = {
        (key, data["step"]): {
            "job_id": job.id,
            "key": key,
            "step": data["step"],
            "attempt": job.attempt,
            "epoch": data["epoch"],
            "value": finite(value),
            "flag": _flag(value),
        }
        for data in epochs
        for key, value in data["metrics"].items()
    }
    if not points:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(MetricPoint)
    columns = ("attempt", "epoch", "value", "flag")
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["job_id", "key", "step"],
            set_={column: statement.excluded[column] for column in columns},
        ),
        list(points.values()),
    )


def _flag(value: float | None) -> str | None:
    if value is None or math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None
