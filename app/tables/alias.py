"""Aliases: movable names for versions, ``champion`` first of all."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Base, now
from app.tables.model_version import ModelVersion


class Alias(Base):
    """Where an alias points now; a pinned alias was moved by a person and is left alone by jobs."""

    __tablename__ = "aliases"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("model_versions.id"))
    pinned: Mapped[bool] = mapped_column(default=False)
    moved_at: Mapped[datetime] = mapped_column(default=now)
    revision: Mapped[int] = mapped_column(default=1)

    version: Mapped[ModelVersion] = relationship(lazy="joined", innerjoin=True)
