"""Model versions: published, usable, immutable."""

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.base import Base, Deletable, Identified, Owned
from app.tables.model import RegisteredModel


class ModelVersion(Identified, Owned, Deletable, Base):
    """One version: its lineage, its signature, its files in the store.

    ``files`` maps a path in the artifact to ``{"sha256", "bytes", "media_type"}``. ``signature`` is a
    :class:`models.signature.Signature`. ``metrics`` are the figures of the report that lists show.
    """

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("model_id", "number"),)

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id"))
    number: Mapped[int]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    dataset_version_id: Mapped[str | None] = mapped_column(ForeignKey("dataset_versions.id"))
    family: Mapped[str]
    parameters: Mapped[int]
    spec: Mapped[dict[str, Any]]
    signature: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    parity: Mapped[dict[str, Any]]
    files: Mapped[dict[str, Any]]

    model: Mapped[RegisteredModel] = relationship(lazy="joined", innerjoin=True)
