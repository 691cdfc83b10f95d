"""Datasets: a name under which immutable versions are kept."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified, Owned


class Dataset(Identified, Owned, Base):
    """A named dataset; ``kind`` says what its rows are (``images``)."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    deleted_at: Mapped[datetime | None]
