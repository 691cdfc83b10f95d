"""Jobs: anything that takes time. The row is the only truth about a job."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Base, Identified, Owned
from app.tables.dataset_version import DatasetVersion
from app.tables.model_version import ModelVersion


class Job(Identified, Owned, Base):
    """One job of some kind; ``attempt`` counts its runs and fences every write of a run.

    ``slot`` is the sort of slot that may claim it (``training`` or ``light``). ``request`` is the body
    as it was sent, ``resolved`` the same with every default filled in. ``phases`` is the timed history
    of ``phase``. ``worker`` names the worker that holds the present attempt.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_queue", "slot", "state", "priority", "id"),)

    kind: Mapped[str]
    slot: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued", index=True)
    phase: Mapped[str | None]
    phases: Mapped[list[Any]] = mapped_column(default=list)
    progress: Mapped[dict[str, Any] | None]
    best: Mapped[dict[str, Any] | None]
    attempt: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(index=True)
    priority: Mapped[int] = mapped_column(default=0)
    model: Mapped[str | None] = mapped_column(index=True)
    promote: Mapped[str | None]
    dataset_version_id: Mapped[str | None] = mapped_column(ForeignKey("dataset_versions.id"), index=True)
    model_version_id: Mapped[str | None] = mapped_column(ForeignKey("model_versions.id", use_alter=True))
    request: Mapped[dict[str, Any]]
    resolved: Mapped[dict[str, Any] | None]
    tags: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notes: Mapped[str | None] = mapped_column(Text)
    stop_reason: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)
    deleted_at: Mapped[datetime | None]

    dataset_version: Mapped[DatasetVersion | None] = relationship()
    model_version: Mapped[ModelVersion | None] = relationship(foreign_keys=[model_version_id])
