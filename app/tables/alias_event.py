"""The history of aliases: which version was live when, and who moved it."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, now


class AliasEvent(Base):
    """One move of one alias; ``to_version`` is NULL when the alias was removed."""

    __tablename__ = "alias_events"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("models.id"), index=True)
    alias: Mapped[str]
    from_version: Mapped[int | None]
    to_version: Mapped[int | None]
    actor: Mapped[str | None]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
