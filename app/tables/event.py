"""Events: everything a job reported, in order."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, now


class Event(Base):
    """One event of one attempt: ``state``, ``phase``, ``epoch``, ``log``, ``checkpoint`` or ``artifact``."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_job_id_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    attempt: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
