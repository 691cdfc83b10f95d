"""Registered models: a name under which versions are published."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified, Owned


class RegisteredModel(Identified, Owned, Base):
    """A named model of the registry."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(unique=True)
    deleted_at: Mapped[datetime | None]
