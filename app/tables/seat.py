"""Seats: the places of training slots in gangs, which train one job together."""

from sqlalchemy import Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base


class Seat(Base):
    """What one slot of one worker offers to a job, and, once the gang is whole, its place in an attempt.

    ``attempt`` and ``rank``, 0 for the chief, are empty while it is an offer. Other members reach it at
    ``address``, host:port. It is taken for lost after ``heard_until``, in seconds of the clock that ``era``
    names.
    """

    __tablename__ = "seats"

    worker: Mapped[str] = mapped_column(String(40), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    attempt: Mapped[int | None]
    rank: Mapped[int | None]
    address: Mapped[str]
    era: Mapped[str]
    heard_until: Mapped[float] = mapped_column(Double)
