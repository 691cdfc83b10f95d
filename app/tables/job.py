"""Jobs: anything that takes time. The row is the only truth about a job."""

from datetime import datetime
from typing import Any

from sqlalchemy import Double, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Base, Deletable, Identified, Owned
from app.tables.dataset_version import DatasetVersion
from app.tables.model_version import ModelVersion


class Job(Identified, Owned, Deletable, Base):
    """One job of some kind; ``attempt`` counts its runs and fences every write of a run.

    ``slot`` is the sort of slot that may claim it (``training`` or ``light``). ``request`` is the body
    as it was sent, ``resolved`` the same with every default filled in. ``phases`` is the timed history
    of ``phase``. ``worker`` names the worker that holds the present attempt, until ``lease_until`` unless
    it is heard of before; a queued job is not begun before ``not_before``. Both are seconds of the clock
    that ``era`` names. ``restarts`` counts the attempts that were lost and left no newer checkpoint than
    the one they began with; ``checkpoint`` is the newest, ``{epoch, step, seconds, attempt}``.
    ``child_gone_at`` is when the child of the last attempt was seen dead.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_owner_id", "owner", "id"),)
    # The queue's index stands in its migration alone: SQLite does not tell the order of a column, so that
    # Alembic could not compare the two.

    kind: Mapped[str]
    slot: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued", index=True)
    phase: Mapped[str | None]
    phases: Mapped[list[Any]] = mapped_column(default=list)
    progress: Mapped[dict[str, Any] | None]
    best: Mapped[dict[str, Any] | None]
    attempt: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(index=True)
    era: Mapped[str | None]
    lease_until: Mapped[float | None] = mapped_column(Double)
    not_before: Mapped[float | None] = mapped_column(Double)
    devices: Mapped[int] = mapped_column(default=1)
    slots: Mapped[int] = mapped_column(default=1)
    restarts: Mapped[int] = mapped_column(default=0)
    checkpoint: Mapped[dict[str, Any] | None]
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
    stop_requested_at: Mapped[datetime | None]
    child_gone_at: Mapped[datetime | None]
    cloned_from: Mapped[str | None]
    revision: Mapped[int] = mapped_column(default=1)

    dataset_version: Mapped[DatasetVersion | None] = relationship()
    model_version: Mapped[ModelVersion | None] = relationship(foreign_keys=[model_version_id])
