"""Recording: what a running attempt reports becomes rows, as long as it is the attempt that runs."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.jobs.events import append, enter_phase
from app.jobs.fence import held
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
    for event in events:
        match event.type:
            case "phase":
                enter_phase(session, job, event.data["phase"])
            case "progress":
                job.progress = {**(job.progress or {}), **event.data}
            case "epoch":
                _record_epoch(session, job, event.data)
            case "log":
                append(session, job, "log", event.data)
            case unexpected:
                raise ValueError(f"expected an event of phase, progress, epoch or log, got {unexpected!r}")
    _save_points(session, job, (event.data for event in events if event.type == "epoch"))
    return True


def _record_epoch(session: Session, job: Job, data: dict[str, Any]) -> None:
    # JSON knows no NaN: events carry null, the points of the curve say which.
    metrics = {key: finite(value) for key, value in data["metrics"].items()}
    append(session, job, "epoch", {**data, "metrics": metrics})
    job.progress = {key: data[key] for key in ("epoch", "epochs", "step", "eta") if key in data}
    key = _monitored(job, metrics)
    value = metrics.get(key)
    if value is not None and _is_better(key, value, (job.best or {}).get(key)):
        job.best = {"epoch": data["epoch"], **metrics}


def finite(value: float | None) -> float | None:
    """Return ``value``, or None where JSON cannot carry it."""
    return value if value is not None and math.isfinite(value) else None


def _monitored(job: Job, metrics: dict[str, float | None]) -> str:
    """Return the figure by which the best epoch is chosen."""
    early_stopping = ((job.resolved or {}).get("training") or {}).get("early_stopping") or {}
    key: str = early_stopping.get("monitor", "val_loss")
    return key if key in metrics else "loss"


def _is_better(key: str, value: float, best: float | None) -> bool:
    if best is None:
        return True
    return value > best if key.endswith("accuracy") else value < best


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
