"""Keys that open the service; only a digest of the secret is stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified


class Key(Identified, Base):
    """One key: a name for people, whose things it opens, the SHA-256 of its text, what it may do."""

    __tablename__ = "keys"

    name: Mapped[str]
    owner: Mapped[str] = mapped_column(String(40), default="local")
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
