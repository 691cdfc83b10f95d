"""Workers: the processes that run jobs, as long as they are heard of."""

from datetime import datetime
from typing import Any

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified, now


class Worker(Identified, Base):
    """One worker; ``created_at`` is when this life of it began.

    ``slots`` maps sorts of slots to their numbers, ``devices`` names the GPUs, and in a ``gang`` its
    training slots train together with those of others. It is taken for lost after ``heard_until``, in seconds
    of the clock that ``era`` names.
    """

    __tablename__ = "workers"

    host: Mapped[str]
    process: Mapped[int]
    slots: Mapped[dict[str, Any]]
    devices: Mapped[list[Any]] = mapped_column(default=list)
    gang: Mapped[bool] = mapped_column(default=False)
    era: Mapped[str]
    heard_until: Mapped[float] = mapped_column(Double)
    heard_at: Mapped[datetime] = mapped_column(default=now)
    drain_requested_at: Mapped[datetime | None]
