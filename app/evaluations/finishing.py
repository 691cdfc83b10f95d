"""How an evaluation ends well: its report and pictures are in the store, and the job names them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.jobs import finishing
from app.jobs.fence import held
from app.jobs.moving import move
from app.tables.base import now


def finish(
    session: Session,
    job_id: str,
    attempt: int,
    metrics: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
) -> bool:
    """Keep what an evaluation found and end its job; False if the attempt no longer runs.

    ``files`` maps paths to ``{sha256, bytes, media_type}``. A job that is being cancelled ends cancelled.
    """
    job = held(session, job_id, attempt)
    if job is None or job.state == "cancelling":
        return finishing.cancelled(session, job_id, attempt)
    result = {"metrics": dict(metrics), "files": {path: dict(file) for path, file in files.items()}}
    return move(session, job, job.state, "succeeded", result=result, finished_at=now())
