"""Dataset versions: immutable once ready."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Base, Deletable, Identified, Owned
from app.tables.dataset import Dataset


class DatasetVersion(Identified, Owned, Deletable, Base):
    """One version: where it came from, how it was read, and what was found.

    ``state`` is ``reading``, ``ready`` or ``invalid``. ``source`` is ``{"builtin": name}`` or
    ``{"sha256", "bytes", "filename"}`` of the upload. ``files`` maps a canonical file's name to
    ``{"sha256", "bytes"}`` in the store. ``schema`` is a :class:`models.schema.DatasetSchema`.
    ``duplicate_of`` is the number of the dataset's first ready version with the same digest, if there is
    one: that is known only after reading, when this version has already been given out.
    """

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="reading")
    source: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    digest: Mapped[str | None] = mapped_column(index=True)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    schema: Mapped[dict[str, Any] | None]
    profile: Mapped[dict[str, Any] | None]
    split: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    error: Mapped[dict[str, Any] | None]
    files: Mapped[dict[str, Any]] = mapped_column(default=dict)
    duplicate_of: Mapped[int | None]

    dataset: Mapped[Dataset] = relationship(lazy="joined", innerjoin=True)
