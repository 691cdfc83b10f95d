"""Metric points: one value of one series at one step."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base


class MetricPoint(Base):
    """A value, or NULL with a ``flag`` (``nan``, ``inf``, ``-inf``), which JSON cannot carry."""

    __tablename__ = "metric_points"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    epoch: Mapped[int]
    value: Mapped[float | None]
    flag: Mapped[str | None]
