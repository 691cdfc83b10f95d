"""Datasets: a name under which immutable versions are kept."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.tables.base import Base, Deletable, Identified, Owned


class Dataset(Identified, Owned, Deletable, Base):
    """A named dataset; ``kind`` says what its rows are (``images``).

    Deleting gives the name back: the row is kept under a name that nobody can ask for.
    """

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    name: Mapped[str]
    kind: Mapped[str]
