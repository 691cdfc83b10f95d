"""Registered models: a name under which versions are published."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.tables.base import Base, Identified, Owned


class RegisteredModel(Identified, Owned, Base):
    """A named model of the registry.

    Deleting gives the name back: the row is kept under a name that nobody can ask for.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    name: Mapped[str]
    deleted_at: Mapped[datetime | None]
