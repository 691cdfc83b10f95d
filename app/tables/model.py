"""Registered models: a name under which versions are published."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.tables.base import Base, Deletable, Identified, Owned


class RegisteredModel(Identified, Owned, Deletable, Base):
    """A named model of the registry.

    Deleting gives the name back: the row is kept under a name that nobody can ask for.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    name: Mapped[str]
